# SPDX-License-Identifier: MIT
"""Forks while threads allocate, with all of the library at work: nothing hangs, nothing grows.

Usage: fork_test.py INTERVAL LIBRARY GUEST

LUNA_LIFE_FORKS says how many forks.
"""
import os
import sys
import tempfile

import life

interval = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])
forks = life.count_of("FORKS")

with tempfile.TemporaryDirectory() as folder:
    output, errors = life.run([guest, str(forks)], library, life.everything(folder, interval),
                              seconds=60 + 2 * forks)
life.expect("done" in output and errors == "", f"{output}{errors}")
print(f"{forks} forks: {output}", end="")
