#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes preload/everyday.ld anew: the functions of the library that programs use every day.

They then lie side by side in the file, so that fewer of its pages become resident. Runs some
programs of Debian under valgrind, with the library preloaded, and takes what they have run.
Usage: function_order.py BUILD/preload/liblunalloc.so >preload/everyday.ld
"""
import collections
import os
import pathlib
import subprocess
import sys
import tempfile

# Short ones: they run fifty times slower. Each is told how to find its own work.
PROGRAMS = {
    "true": ["true"],
    "perl": ["perl", "-e", "my %h; $h{$_} = 'x' x ($_ % 300) for 1 .. 30000; delete $h{$_} for 1 .. 20000"],
    "sqlite3": ["sqlite3", ":memory:", "create table t(a, b); with recursive n(i) as (select 1 union all "
                "select i + 1 from n where i < 5000) insert into t select i, hex(randomblob(i % 90)) "
                "from n; create index x on t(b); select count(*) from t where b > '7'"],
    "sort": ["sort", "--parallel=2", "--buffer-size=1M", "{words}"],
    "xz": ["xz", "--threads=2", "--block-size=100KiB", "-0", "--stdout", "{words}"],
    "python3": ["python3", "-S", "-c", "x = [bytearray(i % 5000) for i in range(30000)]; del x[::3]; "
                "y = bytearray(10 ** 7); del x, y; z = [bytearray(300000) for i in range(30)]"],
    "gcc": ["gcc", "-O1", "-c", "-x", "c", "{source}", "-o", "/dev/null"],
}

# What each process runs too: constructors, what ends it, and what libc adds to a library.
ALWAYS = """\
    *(.text.startup .text.startup.*)
    *(.text.exit .text.exit.*)
    *libc_nonshared.a:*(.text .text.*)
    KEEP(*(SORT_NONE(.fini)))"""

# Constants lie behind the symbols, which the dynamic linker reads, so that one window has both.
CONSTANTS = """\
SECTIONS {
  .rodata.everyday : {
    *(.rodata .rodata.*)
  }
}
INSERT AFTER .rela.plt;"""


def own_names(library):
    """The mangled names of all functions that the library holds."""
    listed = subprocess.run(["nm", "--defined-only", library], check=True, text=True,
                            capture_output=True).stdout
    return {line.split()[-1] for line in listed.splitlines() if line.split()[-2] in "tTwW"}


def functions(library, name, command, folder):
    """What the program and its children ran of them."""
    profile = folder / name
    subprocess.run(["valgrind", "--tool=callgrind", "--demangle=no", "--compress-strings=no",
                    "--trace-children=yes", f"--callgrind-out-file={profile}.%p", *command],
                   env=dict(os.environ, LD_PRELOAD=library), check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run = set()
    for path in folder.glob(f"{name}.*"):
        run.update(line.removeprefix("fn=")
                   for line in path.read_text(errors="replace").splitlines() if line.startswith("fn="))
    return run & own_names(library)


def sections(name):
    """A constructor or destructor has two names, and its section the second."""
    return {name, name.replace("C1E", "C2E"), name.replace("D1E", "D2E")}


def main():
    library = os.path.abspath(sys.argv[1])
    uses = collections.Counter()
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        words = folder / "words"
        words.write_text("".join(f"{i * 7919 % 100003} line\n" for i in range(30000)))
        source = folder / "source"
        source.write_text("".join(f"int f{i}(int a) {{ return a * {i} + {i}; }}\n" for i in range(300)))
        for name, command in PROGRAMS.items():
            print(name, file=sys.stderr)
            uses.update(functions(library, name, [
                word.format(words=words, source=source) if "{" in word and " " not in word else word
                for word in command], folder))
    if not uses:
        sys.exit(f"function_order.py: {library}: none of its functions ran: is it a release build of ours?")
    # What all of them run comes first.
    ordered = sorted(uses, key=lambda name: (-uses[name], name))
    print("/* SPDX-License-Identifier: MIT\n"
          " * Functions that programs use every day, side by side. Made by tools/function_order.py; a name\n"
          " * that is not there any more does no harm. */")
    print("SECTIONS {\n  .text.everyday : {")
    print(ALWAYS)
    for name in ordered:
        for section in sorted(sections(name)):
            print(f"    *(.text.{section})")
    print("  }\n}\nINSERT BEFORE .text;")
    print(CONSTANTS)


main()
