# SPDX-License-Identifier: MIT
"""The probes of the library: their notes by readelf, and what gdb sees of them.

Usage: probes_test.py PART LIBRARY GUEST
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
SKIPPED = 77
ARGUMENTS = {"alloc": 3, "free": 1}
SIZES = (12345, 300001, 300002, 900001, 50000001)  # of the guest


def require(tool):
    """Skips the test without the tool."""
    if shutil.which(tool) is None:
        print(f"skipped: there is no {tool}")
        sys.exit(SKIPPED)


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def output_of(*command):
    """What a command says."""
    result = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    return result.stdout + result.stderr


def notes():
    """Each note names provider, probe, arguments and a semaphore of its own."""
    require("readelf")
    pattern = re.compile(r"Provider: (\w+)\s+Name: (\w+)\s+Location: 0x(\w+), Base: 0x(\w+),"
                         r" Semaphore: 0x(\w+)\s+Arguments: ([^\n]*)")
    found = pattern.findall(output_of("readelf", "--notes", library))
    sections = output_of("readelf", "--sections", "--wide", library)
    begin, size = (int(number, 16) for number in re.search(
        r"\.probes\s+PROGBITS\s+(\w+)\s+\w+\s+(\w+)\s+\w+\s+WA", sections).groups())
    base = int(re.search(r"\.stapsdt\.base\s+PROGBITS\s+(\w+)", sections)[1], 16)
    semaphores = {}
    for provider, name, location, its_base, semaphore, arguments in found:
        expect(provider == "otel_memory", provider)
        expect(int(its_base, 16) == base != 0 and int(location, 16) != 0, f"{name} lies nowhere")
        expect(re.fullmatch(r"8@\S+( 8@\S+)*", arguments), arguments)
        expect(len(arguments.split()) == ARGUMENTS[name], f"{name}: {arguments}")
        expect(begin <= int(semaphore, 16) < begin + size, f"semaphore of {name}: {semaphore}")
        semaphores.setdefault(name, set()).add(semaphore)
    expect(semaphores.keys() == ARGUMENTS.keys(), f"probes are {sorted(semaphores)}")
    expect(all(len(places) == 1 for places in semaphores.values()), semaphores)
    expect(semaphores["alloc"] != semaphores["free"], "one semaphore for both")


# gdb raises the semaphore where it sets a breakpoint on a probe.
COMMANDS = """
set confirm off
set pagination off
set startup-with-shell off
set environment LD_PRELOAD {library}
set environment LUNALLOC_CONF {conf}
break main
run
break -probe-stap otel_memory:alloc
commands
silent
printf "alloc %lx %lu %lu\\n", $_probe_arg0, $_probe_arg1, $_probe_arg2
continue
end
break -probe-stap otel_memory:free
commands
silent
printf "free %lx\\n", $_probe_arg0
continue
end
continue
"""


def hits(conf):
    """The probes that gdb sees: (address, bytes, weighted bytes), or (address,)."""
    require("gdb")
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as script:
        script.write(COMMANDS.format(library=library, conf=conf).lstrip())
        script.flush()
        text = output_of("gdb", "-nx", "-batch", "-x", script.name, guest)
    if "ptrace" in text and "not permitted" in text:
        print("skipped: gdb may not trace")
        sys.exit(SKIPPED)
    expect("done" in text, text)
    found = []
    for line in text.splitlines():
        if re.fullmatch(r"alloc \w+ \d+ \d+|free \w+", line):
            address, *numbers = line.split()[1:]
            found.append((int(address, 16), *map(int, numbers)))
    return found


def gdb():
    """Who attaches is told of each sample once; what is resized is freed and allocated."""
    live, sizes = {}, []
    for address, *numbers in hits("profile:true,profile_interval:1"):
        if not numbers:
            live.pop(address, None)
            continue
        expect(address not in live, f"{address:#x} was not freed")
        expect(numbers[0] == numbers[1], f"weights of all samples: {numbers}")
        live[address] = numbers[0]
        sizes.append(numbers[0])
    known = [size for size in sizes if size in SIZES]
    expect(known == [12345, 12345, *SIZES], f"sizes {sizes}")
    expect(not set(SIZES) & set(live.values()), f"{live} live on")


def quiet():
    """Without a profile there are no samples, and no probes."""
    expect(hits("profile:false") == [], "a probe without a profile")


PARTS = {part.__name__: part for part in (notes, gdb, quiet)}
PARTS[sys.argv[1]]()
