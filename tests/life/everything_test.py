# SPDX-License-Identifier: MIT
"""A program of the suite preload, which has its own checks, with all of the library at work.

Usage: everything_test.py LIBRARY PROGRAM
"""
import os
import sys
import tempfile

import life

library, program = (os.path.abspath(path) for path in sys.argv[1:])

with tempfile.TemporaryDirectory() as folder:
    _, errors = life.run([program], library, life.everything(folder))
life.expect(errors == "", errors)
