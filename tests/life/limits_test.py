# SPDX-License-Identifier: MIT
"""How many threads, addresses, alignments and sizes there may be, and that mappings stay few.

Usage: limits_test.py PART LIBRARY GUEST

LUNA_LIFE_THREADS says how many threads.
"""
import os
import sys
import tempfile

import life

part = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])
COUNTS = {"threads": [str(life.count_of("THREADS"))], "addresses": ["8", "200", "2048"]}

with tempfile.TemporaryDirectory() as folder:
    for conf in ("", life.everything(folder, 524288)):
        for count in COUNTS.get(part, [None]):
            command = [guest, part] + ([count] if count else [])
            output, errors = life.run(command, library, conf, seconds=280)
            life.expect("done" in output and errors == "", f"{output}{errors}")
            print(output, end="")
