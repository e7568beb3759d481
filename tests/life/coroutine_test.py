# SPDX-License-Identifier: MIT
"""Coroutines that allocate on stacks of so many bytes, and move between threads.

Usage: coroutine_test.py BYTES LIBRARY GUEST
"""
import os
import sys
import tempfile

import life

stack_bytes = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])

with tempfile.TemporaryDirectory() as folder:
    for conf in ("", life.everything(folder), life.everything(folder, 524288)):
        output, errors = life.run([guest, stack_bytes], library, conf)
        life.expect("done" in output and errors == "", f"{output}{errors}")
