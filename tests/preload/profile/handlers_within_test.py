# SPDX-License-Identifier: MIT
"""Signal handlers that allocate where they interrupt malloc: all ends well, and all is freed.

Usage: handlers_within_test.py PART LIBRARY GUEST
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

part, library, guest = sys.argv[1:]
# Which part of the guest, and which samples are taken. With the tables full there would be
# blocks that are none, and the fast path would hand them out.
EVERY_BLOCK = "profile:true,profile_interval:1,profile_memory:256"
SOME_BLOCKS = "profile:true,profile_interval:4096,profile_cpu_percent:0,profile_memory:256"
PARTS = {
    "timer": ("timer", EVERY_BLOCK),
    "sent": ("sent", EVERY_BLOCK),
    "watched": ("watched", EVERY_BLOCK),
    "forks": ("forks", EVERY_BLOCK),
    "guarded": ("sent", EVERY_BLOCK + ",guard_samples:7"),
    "slow": ("slow", SOME_BLOCKS),
    "switched": ("switched", SOME_BLOCKS),
}
MAX_RESIDENT_KIB = 1024 * 1024


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


guest_part, conf = PARTS[part]
with tempfile.TemporaryDirectory() as folder:
    environment = dict(os.environ, LD_PRELOAD=os.path.abspath(library), LUNALLOC_CONF=conf)
    result = subprocess.run([os.path.abspath(guest), guest_part, folder], env=environment,
                            capture_output=True, text=True, check=False)
    if result.returncode or "done" not in result.stdout or result.stderr:
        sys.exit(f"failed: ended with {result.returncode}: {result.stdout}{result.stderr}")
    profile = json.loads(pathlib.Path(folder, "end.json").read_text())
print(result.stdout, end="")
expect(profile["allocated"]["samples"] > 100, "hardly a sample")
expect(profile["dropped_samples"] == 0, "the tables are full")
expect(profile["live"]["samples"] < 100, f"{profile['live']} lives")
resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
expect(resident < MAX_RESIDENT_KIB, f"{resident} KiB were resident")
