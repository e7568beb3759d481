#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one part of heap_guest, and looks at how it ends and what it says.

usage: heap_test.py PART LIBRARY GUEST
"""

import json
import os
import re
import signal
import subprocess
import sys

# How parts end that do not go on: the signal, and what is said on stderr.
ENDS = {
    "aborts": (signal.SIGABRT, 'heap "hard" is denied 1000 bytes: it uses'),
    "protect": (signal.SIGSEGV, 'heap "secrets" is protected: a write at 0x'),
    "keys": (signal.SIGSEGV, ': a write at 0x'),
    "twice": (signal.SIGABRT, "double free"),
    "protects": (signal.SIGSEGV, 'heap "guarded" is protected: a write at 0x'),
    "overflow": (signal.SIGSEGV, "overflow: write at 0x"),
    "after_free": (signal.SIGSEGV, "use after free: read at 0x"),
    "after_end": (signal.SIGSEGV, "use after free: read at 0x"),
    "freed_twice": (signal.SIGABRT, "double free of 0x"),
    "written_beyond": (signal.SIGABRT, "overflow: found when it was freed, a write at 0x"),
}


# Those in which a guarded block is told of, with stacks and without any option.
GUARDED = ("overflow", "after_free", "after_end", "freed_twice", "written_beyond")

# Options of parts that want some.
OPTIONS = {"sampled": "profile:true,profile_interval:1,profile_cpu_percent:0"}


def check_formats(written, text):
    """Rows of three heaps, of which two have one name, as JSON, metrics and text."""
    rows, end = json.JSONDecoder().raw_decode(written)
    rows = rows["heaps"]
    assert [row["name"] for row in rows] == ['a "name"', 'a "name"', "root"], rows
    assert [row["used_bytes"] > 1_000_000 for row in rows] == [False, True, True], rows
    assert [row["children"] for row in rows] == [0, 0, 2], rows
    assert rows[1]["live_blocks"] == 1000 and rows[1]["limit_bytes"] == 8 << 20, rows
    assert rows[1]["resident_bytes"] > 1_000_000, rows
    samples = re.findall(r'^lunalloc_heap_used_bytes\{heap="(.*)",number="(\d+)"\} (\d+)$',
                         written[end:], re.MULTILINE)
    expected = [(r'a \"name\"', 2), (r'a \"name\"', 1), ("root", 0)]
    assert [(name, int(number)) for name, number, _ in samples] == expected, samples
    assert [int(used) for _, _, used in samples] == [row["used_bytes"] for row in rows], samples
    assert re.search(r'8\.0 MiB.* a "name"$', text, re.MULTILINE), text


def main():
    part, library, guest = sys.argv[1], *(os.path.abspath(path) for path in sys.argv[2:])
    ended = subprocess.run([guest, part], text=True,
                           env=dict(os.environ, LD_PRELOAD=library,
                                    LUNALLOC_CONF=OPTIONS.get(part, "")),
                           capture_output=True, timeout=240)
    print(ended.stdout, ended.stderr)
    number, words = ENDS.get(part, (0, ""))
    assert ended.returncode == -number, f"ended with {ended.returncode} instead of {-number}"
    assert words in ended.stderr, f"stderr does not say: {words}"
    assert number != 0 or ended.stdout.endswith("done\n")
    assert number != 0 or part == "formats" or ended.stderr == ""
    if part in GUARDED:
        assert re.search(r'block of \d+ bytes at 0x[0-9a-f]+ of heap "guarded"\n'
                         r'  allocated by thread \d+:\n    .*heap_guards_guest', ended.stderr)
    if part == "formats":
        check_formats(ended.stdout, ended.stderr)
    if part in ("protect", "keys"):
        assert 'by thread "intruder"' in ended.stderr
    if part == "keys":
        whom = "closed to this thread" if "with a protection key" in ended.stdout else "protected"
        assert f'heap "secrets" is {whom}: a write' in ended.stderr


if __name__ == "__main__":
    main()
