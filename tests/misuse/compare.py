# SPDX-License-Identifier: MIT
"""What becomes of each mistake of this suite under some allocators, as a table.

Usage: compare.py FOLDER [--no-glibc] [--lib NAME=LIBRARY ...] [--expect PAGE]

FOLDER has the programs, which meson builds of the files beside this one and in silent/. glibc comes
first. --expect compares the columns that it prints with those of the same names in a page.

told      there was a message, with which the program was stopped where it could not go on
died      it was stopped by a signal alone: SIGSEGV and the like
went on   nobody noticed
in vain   nobody noticed, but what an attacker makes such a mistake for was not to be had
hung      it did not end within 20 seconds
none      the mistake cannot be made there
"""
import argparse
import pathlib
import signal
import subprocess
import sys

from run_misuse import without_core

SECONDS = 20
SUMS = {"told": ["told"], "told or died": ["told", "died"],
        "told, died or in vain": ["told", "died", "in vain"]}
ENDS = {2: "none", 9: "in vain"}  # mistake.hpp
STOPS = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGTRAP,
         -signal.SIGFPE}


def mistakes():
    """Their names, by rising name; those that the library tells and those that it may not."""
    here = pathlib.Path(__file__).resolve().parent
    return sorted(path.stem for folder in (here, here / "silent")
                  for path in folder.glob("*.cpp"))


def outcome(program, library):
    """One word or two of the table."""
    environment = {"PATH": "/usr/bin:/bin"}
    if library:
        environment["LD_PRELOAD"] = str(library)
    try:
        result = subprocess.run([program], env=environment, preexec_fn=without_core,
                                capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "hung"
    if result.returncode in STOPS:
        return "told" if result.stderr.strip() else "died"
    if result.returncode in ENDS:
        return ENDS[result.returncode]
    if b"lunalloc: " in result.stderr:
        return "told"
    if result.returncode < 0:
        sys.exit(f"{program} was ended by signal {-result.returncode}: {result.stderr.decode()}")
    return "went on"


def table(folder, libraries):
    """The rows: a name, and what became of it under each."""
    for name in mistakes():
        program = folder / name
        if not program.is_file():
            sys.exit(f"{program}: there is no such program; build the suite misuse")
        yield [name, *(outcome(program, library) for library in libraries.values())]


def cells_of(line):
    """Of a row of a table in a page."""
    return [cell.strip().strip("`*") for cell in line.strip().strip("|").split("|")]


def expect(page, names, rows):
    """Ends with what is different in the page's table, which may have more columns."""
    lines = [cells_of(line) for line in page.read_text().splitlines() if line.startswith("|")]
    heads = [line for line in lines if line[0] == "mistake"]
    if not heads:
        sys.exit(f"{page}: it has no table of mistakes")
    places = [heads[0].index(name) for name in names]
    told = {line[0]: [line[place] for place in places] for line in lines
            if len(line) == len(heads[0])}
    wrong = [f"{name}: the page says {told.get(name)}, it is {cells}"
             for name, *cells in rows if told.get(name) != cells]
    if wrong:
        sys.exit("\n".join([f"{page}:"] + wrong))


def main():
    """Runs all and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--lib", action="append", default=[], metavar="NAME=LIBRARY")
    parser.add_argument("--no-glibc", action="store_true")
    parser.add_argument("--expect", type=pathlib.Path)
    arguments = parser.parse_args()
    libraries = {} if arguments.no_glibc else {"glibc": None}
    for text in arguments.lib:
        name, _, path = text.partition("=")
        if not pathlib.Path(path).is_file():
            sys.exit(f"--lib {text}: want NAME=LIBRARY, a file")
        libraries[name] = pathlib.Path(path).resolve()
    rows = list(table(arguments.folder, libraries))
    print("| mistake | " + " | ".join(libraries) + " |")
    print("| --- |" + " --- |" * len(libraries))
    for name, *cells in rows:
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    for title, words in SUMS.items():
        sums = (str(sum(row[i] in words for row in rows)) for i in range(1, len(rows[0])))
        print(f"| **{title}** | " + " | ".join(sums) + " |")
    if arguments.expect:
        expect(arguments.expect, list(libraries), rows)


if __name__ == "__main__":
    main()
