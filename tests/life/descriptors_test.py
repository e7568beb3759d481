# SPDX-License-Identifier: MIT
"""A program that counts on its lowest descriptors beside the thread that reads files.

Usage: descriptors_test.py PART LIBRARY GUEST

LUNA_LIFE_REDIRECTS, LUNA_LIFE_DAEMONIZES and LUNA_LIFE_SWITCHES say how often.
"""
import os
import sys
import tempfile

import life

COUNTS = {"redirect": "REDIRECTS", "daemonize": "DAEMONIZES", "switch": "SWITCHES"}
part = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])
count = life.count_of(COUNTS[part])
with tempfile.TemporaryDirectory() as folder:
    conf = "background:true"
    if part == "redirect":
        conf += f",blackbox:{folder}/box,blackbox_kib:128"
    output, errors = life.run([guest, part, str(count)], library, conf,
                              seconds=60 + count // 1000, stdin=life.subprocess.DEVNULL)
life.expect(output == "done\n" and errors == "", output + errors)
