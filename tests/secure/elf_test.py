# SPDX-License-Identifier: MIT
"""Fails if the library can be turned against its program more easily than it must.

Argument: the library. Read-only relocations, bound at the start; no stack and no segment that can
be both written to and executed; and in what can be written to, no pointer to a function.
"""
import subprocess
import sys



def readelf(library, *options):
    """readelf's output as lines."""
    return subprocess.run(["readelf", "--wide", *options, library], capture_output=True, text=True,
                          check=True).stdout.splitlines()


def segments(library):
    """(type, address, bytes in memory, flags) of each segment."""
    for line in readelf(library, "--program-headers"):
        fields = line.split()
        if len(fields) >= 8 and fields[1].startswith("0x"):
            yield fields[0], int(fields[2], 16), int(fields[5], 16), "".join(fields[6:-1])


def relocated_words(library):
    """(address, value) of each word that is relocated by the place of the library."""
    for line in readelf(library, "--relocs"):
        fields = line.split()
        if len(fields) >= 4 and "RELATIVE" in fields[2]:
            yield int(fields[0], 16), int(fields[3], 16)


def holds(ranges, address):
    """Whether the address lies in one of them."""
    return any(start <= address < start + size for start, size in ranges)


def main():
    library = sys.argv[1]
    parts = list(segments(library))
    errors = []
    dynamic = "\n".join(readelf(library, "--dynamic"))
    if "BIND_NOW" not in dynamic and "NOW" not in dynamic:
        errors.append("functions are bound when they are first called: -z now is missing")
    relro = [(address, size) for kind, address, size, _ in parts if kind == "GNU_RELRO"]
    if not relro:
        errors.append("no read-only relocations: -z relro is missing")
    stacks = [flags for kind, _, _, flags in parts if kind == "GNU_STACK"]
    if not stacks or "E" in stacks[0]:
        errors.append("the stack can be executed: -z noexecstack is missing")
    for kind, address, _, flags in parts:
        if kind == "LOAD" and "W" in flags and "E" in flags:
            errors.append(f"the segment at {address:#x} can be written to and executed")
    code = [(address, size) for kind, address, size, flags in parts
            if kind == "LOAD" and "E" in flags]
    words = list(relocated_words(library))
    if not code or not words:
        errors.append("readelf tells no code or no relocations: this test reads nothing")
    for address, value in words:
        if holds(code, value) and not holds(relro, address):
            errors.append(f"{address:#x} can be written to, and points to code at {value:#x}")
    if errors:
        sys.exit("\n".join(errors))
    print(f"{len(words)} relocated words, none of code can be written to")


main()
