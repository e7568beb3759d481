# SPDX-License-Identifier: MIT
"""Signal handlers that allocate, each millisecond, and on small stacks of their own; and signals that
are waited for.

Usage: signal_test.py PART LIBRARY GUEST
"""
import os
import sys
import tempfile

import life

part = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])

with tempfile.TemporaryDirectory() as folder:
    # A handler that interrupts the fast path is at home only where there is none.
    confs = [life.everything(folder)]
    if part in ("jumps", "least_stack"):
        confs += ["", life.everything(folder, 524288)]
    for conf in confs:
        output, errors = life.run([guest, part], library, conf)
        life.expect("done" in output and errors == "", f"{output}{errors}")
        print(output, end="")
