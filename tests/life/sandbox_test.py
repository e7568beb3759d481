# SPDX-License-Identifier: MIT
"""System calls refused, or deadly, and an empty root, once the program has begun.

Usage: sandbox_test.py PART LIBRARY GUEST
"""
import os
import sys
import tempfile

import life

part = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])

if part == "chroot" and os.geteuid() != 0:
    life.skip("only root has chroot")
with tempfile.TemporaryDirectory() as folder:
    empty = f"{folder}/empty"
    os.mkdir(empty)
    # A filter that kills wants no files and no threads of the library's.
    confs = ["pressure_release:false"] if part == "strict" else ["", life.everything(folder)]
    command = [guest, part] + ([empty] if part == "chroot" else [])
    for conf in confs:
        output, errors = life.run(command, library, conf)
        life.expect(output == "done\n", f"{output}{errors}")
        life.expect(errors == "", errors)
    if part == "chroot":
        life.expect(os.listdir(empty) == [], f"it has made {os.listdir(empty)}")
