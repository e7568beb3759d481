# SPDX-License-Identifier: MIT
"""What functions do in a signal handler that has interrupted the allocator.

Usage: handler_calls_test.py PART LIBRARY GUEST
"""
import os
import signal
import subprocess
import sys

part, library, guest = sys.argv[1:]
# How the guest ends, and what it says on stderr.
ENDS = {
    "calls": (0, ""),
    "exit": (7, "exit() in a signal handler that interrupted malloc"),
    "twice": (-signal.SIGABRT, "double free of"),
}

options = {"profile": "true", "profile_interval": "1"}
if part == "exit":
    options["stats_print"] = "true"
conf = ",".join(f"{name}:{value}" for name, value in options.items())
environment = dict(os.environ, LD_PRELOAD=os.path.abspath(library), LUNALLOC_CONF=conf)
result = subprocess.run([os.path.abspath(guest), part], env=environment, capture_output=True,
                        text=True, check=False)
code, text = ENDS[part]
if result.returncode != code or text not in result.stderr or bool(text) != bool(result.stderr):
    sys.exit(f"failed: ended with {result.returncode}: {result.stdout}{result.stderr}")
