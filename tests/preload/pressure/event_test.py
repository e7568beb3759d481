# SPDX-License-Identifier: MIT
"""Being told of pressure at once, by the manager of the service or by the kernel.

Usage: event_test.py PART LIBRARY GUEST, a part of the guest's; PART.shared where the kernel gives no
thread descriptors of its own
"""
import base64
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "machine"))
import own_cgroup  # beside the tests of limits

part = sys.argv[1]
library, guest = (os.path.abspath(path) for path in sys.argv[2:])
MIB = 1 << 20


def passes(watch=None, write=None, conf="", prepare=None):
    """The guest ends well and says nothing on stderr."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    for name, value in ("MEMORY_PRESSURE_WATCH", watch), ("MEMORY_PRESSURE_WRITE", write):
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    result = subprocess.run([guest, *part.split(".")], env=environment, text=True, capture_output=True,
                            timeout=200, check=False, preexec_fn=prepare)
    if result.returncode == 77:
        sys.exit(77)
    if result.returncode or "done" not in result.stdout or result.stderr:
        sys.exit(f"failed: {part} ended with {result.returncode}: "
                 f"{result.stdout}{result.stderr}")


if part == "cgroup":
    with own_cgroup.make_or_skip("events", 200 * MIB) as own:
        if own.version == 2:
            own.write("memory.high", 100 * MIB)
        passes(conf="background:true", prepare=own.enter)
    sys.exit()

with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/watch"
    if not part.startswith("socket"):
        os.mkfifo(path)
    trigger = base64.b64encode(b"some 200000 2000000\0").decode()
    passes(path, trigger, "background:true" if part.startswith("numbers") else "")
