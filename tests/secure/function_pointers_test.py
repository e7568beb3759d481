# SPDX-License-Identifier: MIT
"""Fails if a pointer to a function lies in what the library can write to while a program runs.

Arguments: the library, and the program, which has the library keep pointers to functions. Looked
for are the addresses where the library's own functions begin, and those that the program tells.
"""
import os
import struct
import subprocess
import sys

OPTIONS = "profile:true,guard_samples:2,background:true"


def mappings_of(pid):
    """(begin, end, rights, file) of each."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as lines:
        for line in lines:
            fields = line.split(maxsplit=5)
            begin, end = (int(word, 16) for word in fields[0].split("-"))
            yield begin, end, fields[1], fields[5].strip() if len(fields) > 5 else ""


def writable_parts(mappings, library):
    """(begin, end) of what can be written to: of the library's file, and its zeros behind."""
    before = None
    for begin, end, rights, file in mappings:
        if os.path.basename(file) == os.path.basename(library):
            before = end
        elif before == begin and not file:
            before = end
        else:
            before = None
        if before is not None and rights.startswith("rw"):
            yield begin, end


def own_functions(library, base):
    """Where each of the library's functions begins in the process: its name."""
    names = {}
    lines = subprocess.run(["nm", "--demangle", "--defined-only", library], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    for line in lines:
        address, kind, name = line.split(maxsplit=2)
        if kind in "tTW" and name != "etext":
            names[base + int(address, 16)] = name
    return names


def main():
    library, program = os.path.realpath(sys.argv[1]), sys.argv[2]
    environment = {**os.environ, "LD_PRELOAD": library, "LUNALLOC_CONF": OPTIONS}
    with subprocess.Popen([program], env=environment, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        told = {}
        for line in process.stdout:
            if line == "ready\n":
                break
            name, address = line.split()
            told[int(address, 16)] = name
        mappings = list(mappings_of(process.pid))
        base = min(begin for begin, _, _, file in mappings
                   if os.path.basename(file) == os.path.basename(library))
        functions = own_functions(library, base) | told
        errors, words = [], 0
        with open(f"/proc/{process.pid}/mem", "rb", buffering=0) as memory:
            for begin, end in writable_parts(mappings, library):
                memory.seek(begin)
                for number, (word,) in enumerate(struct.iter_unpack("=Q", memory.read(end - begin))):
                    words += word != 0
                    if word in functions:
                        errors.append(f"{begin + number * 8 - base:#x} holds the address of {functions[word]}")
        process.communicate("\n")
    if process.returncode != 0:
        errors.append(f"the program ended with {process.returncode}")
    if len(told) < 14 or len(functions) < 1000 or words < 300:
        errors.append(f"{len(told)} functions told, {len(functions)} known, {words} words: this test looks at nothing")
    if errors:
        sys.exit("\n".join(errors))
    print(f"none of {words} words is the address of one of {len(functions)} functions")


main()
