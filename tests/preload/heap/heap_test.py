#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one part of heap_guest, and looks at how it ends and what it says.

usage: heap_test.py PART LIBRARY GUEST
"""

import os
import signal
import subprocess
import sys

# How parts end that do not go on: the signal, and what is said on stderr.
ENDS = {
    "aborts": (signal.SIGABRT, 'heap "hard" is denied 1000 bytes: it uses'),
    "protect": (signal.SIGSEGV, 'heap "secrets" is protected: a write at 0x'),
    "twice": (signal.SIGABRT, "double free"),
}


def main():
    part, library, guest = sys.argv[1], *(os.path.abspath(path) for path in sys.argv[2:])
    ended = subprocess.run([guest, part], env=dict(os.environ, LD_PRELOAD=library), text=True,
                           capture_output=True, timeout=240)
    print(ended.stdout, ended.stderr)
    number, words = ENDS.get(part, (0, ""))
    assert ended.returncode == -number, f"ended with {ended.returncode} instead of {-number}"
    assert words in ended.stderr, f"stderr does not say: {words}"
    assert number != 0 or (ended.stdout.endswith("done\n") and ended.stderr == "")
    if part == "protect":
        assert 'by thread "intruder"' in ended.stderr


if __name__ == "__main__":
    main()
