# SPDX-License-Identifier: MIT
"""Counts the instructions of malloc and free on a hit, from the disassembly.

The hit path is the shortest way from the symbol's entry to a `ret` that stays
inside the function, calls nothing, and really pops or pushes a block: it loads
at least twice and stores at least once. Hard limits hold for every optimised
build; fast_path.golden holds what the pinned compiler reached and may only fall.

Arguments: the root, the library, the compiler (as in `gcc-12`), the optimization
level. --update lowers the golden file.
"""
import collections
import pathlib
import re
import subprocess
import sys

import source_tree

LIMITS = {"malloc": 14, "free": 22}
LOADS, STORES = 2, 1
GOLDEN = pathlib.Path(__file__).with_name("fast_path.golden")
Instruction = collections.namedtuple("Instruction", "address text operation operands")


def read_symbol(library, name):
    """(address, size) of an exported function."""
    listing = subprocess.run(["readelf", "--wide", "--dyn-syms", str(library)], text=True,
                             capture_output=True, check=True).stdout
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) > 7 and fields[7].split("@")[0] == name and fields[6] != "UND":
            return int(fields[1], 16), int(fields[2], 0)
    sys.exit(f"{name} is not exported by {library}")


def disassemble(library, address, size):
    """The instructions of a function, in order."""
    listing = subprocess.run(
        ["objdump", "--disassemble", "--no-show-raw-insn", "--wide",
         f"--start-address={address:#x}", f"--stop-address={address + size:#x}", str(library)],
        text=True, capture_output=True, check=True).stdout
    code = []
    for line in listing.splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(\S.*?)\s*$", line)
        if match:
            plain = re.sub(r"^((rep|repz|bnd|notrack|lock|data16|cs|ds)\s+)+(?=\S)", "", match[2])
            operation, _, operands = plain.partition(" ")
            operands = re.sub(r"\s*(#.*)?$", "", operands).strip()
            code.append(Instruction(int(match[1], 16), match[2], operation, operands))
    return code


def accesses(instruction):
    """(loads, stores) of an instruction; the stack and the offset table do not count."""
    operation = instruction.operation
    if operation.startswith(("lea", "nop", "prefetch", "push", "pop", "j", "call", "ret", "endbr")):
        return 0, 0
    parts = re.split(r",(?![^()]*\))", instruction.operands)
    memory = [("(" in part or "%fs:" in part) and "(%rip)" not in part for part in parts]
    if operation.startswith(("mov", "cmov", "vmov", "set")):
        return int(any(memory[:-1])), int(memory[-1])
    if operation.startswith(("cmp", "test", "bt ")) or not memory[-1]:
        return int(any(memory)), 0
    return 1, 1  # read, change and write back


def successors(code, index, position_of):
    """Where execution goes from code[index] without leaving the function; None at a ret."""
    operation, operands = code[index].operation, code[index].operands
    if operation.startswith("ret"):
        return None
    if operation.startswith(("call", "ud2", "hlt", "int3")):
        return []
    following = [index + 1] if index + 1 < len(code) else []
    if not operation.startswith("j"):
        return following
    target = re.match(r"([0-9a-f]+)\b", operands)
    inside = [position_of[int(target[1], 16)]] if target and int(target[1], 16) in position_of else []
    return inside if operation.startswith("jmp") else inside + following


def hit_path(code):
    """The shortest path with the loads and stores of a pop or push; None if there is none."""
    position_of = {instruction.address: index for index, instruction in enumerate(code)}
    start = (0, 0, 0)
    came_from = {start: None}
    queue = collections.deque([start])
    while queue:
        state = queue.popleft()
        index, loads, stores = state
        more_loads, more_stores = accesses(code[index])
        loads, stores = min(LOADS, loads + more_loads), min(STORES, stores + more_stores)
        following = successors(code, index, position_of)
        if following is None and (loads, stores) == (LOADS, STORES):
            path = []
            while state is not None:
                path.append(code[state[0]])
                state = came_from[state]
            return path[::-1]
        for step in following or []:
            if (step, loads, stores) not in came_from:
                came_from[step, loads, stores] = state
                queue.append((step, loads, stores))
    return None


def read_golden():
    """{(compiler, function): instructions} from the golden file."""
    golden = {}
    for line in GOLDEN.read_text().splitlines() if GOLDEN.exists() else []:
        fields = line.split("#")[0].split()
        if len(fields) == 3:
            golden[fields[0], fields[1]] = int(fields[2])
    return golden


def write_golden(golden):
    """Writes the golden file back."""
    rows = [f"{compiler} {name} {count}" for (compiler, name), count in sorted(golden.items())]
    GOLDEN.write_text("# Instructions on a hit; may only fall. Written by fast_path_test.py"
                      " --update.\n# compiler function instructions\n" + "\n".join(rows) + "\n")


def check(name, path, compiler, golden, errors):
    """Compares one function's path with its limit and its golden count."""
    if path is None:
        errors.append(f"{name}: no path from its entry to a ret pops or pushes a block without a"
                      " call or a jump out of the function")
        return
    count = len(path)
    limits = [(LIMITS[name], "the limit")] if name in LIMITS else []
    if (compiler, name) in golden:
        limits.append((golden[compiler, name], f"the golden count of {compiler}"))
    print(f"{name}: {count} instructions on a hit")
    for limit, title in limits:
        if count > limit:
            shown = "\n".join(f"    {step.address:x}: {step.text}" for step in path)
            errors.append(f"{name}: {count} instructions on a hit, {title} is {limit}:\n{shown}")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--update"]
    library, compiler, level = pathlib.Path(arguments[1]), arguments[2], arguments[3]
    header = subprocess.run(["readelf", "--file-header", str(library)], text=True,
                            capture_output=True, check=True).stdout
    if "X86-64" not in header:
        source_tree.skip("the limits are written for x86-64")
    if level not in ("2", "3", "s"):
        source_tree.skip("not an optimised build")
    golden, errors = read_golden(), []
    names = sorted(set(LIMITS) | {name for key, name in golden if key == compiler})
    for name in names:
        path = hit_path(disassemble(library, *read_symbol(library, name)))
        if "--update" in sys.argv and path is not None:
            known = golden.get((compiler, name), len(path))
            golden[compiler, name] = min(known, len(path))
        check(name, path, compiler, golden, errors)
    if "--update" in sys.argv:
        write_golden(golden)
    source_tree.finish(errors, "the fast path is short")


main()
