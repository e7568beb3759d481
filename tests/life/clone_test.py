# SPDX-License-Identifier: MIT
"""Children and threads by clone(2), of which the C library knows nothing.

Usage: clone_test.py PART LIBRARY GUEST
"""
import os
import sys
import tempfile

import life

part = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])

with tempfile.TemporaryDirectory() as folder:
    socket = f"{folder}/socket"
    os.environ["LUNA_LIFE_SOCKET"] = socket
    # A copy that nobody tells of has locks as they were, so threads of ours must rest there.
    confs = {
        "waits": ["", life.everything(folder)],
        "copies": ["", "profile:true,profile_interval:1,profile_memory:64,guard_samples:100"],
        "exits": [f"socket:{socket}"],
        "raw_threads": ["", life.everything(folder)],
    }
    for conf in confs[part]:
        output, errors = life.run([guest, part], library, conf)
        life.expect("done" in output and errors == "", f"{output}{errors}")
