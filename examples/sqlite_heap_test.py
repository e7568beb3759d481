# SPDX-License-Identifier: MIT
"""Fails unless SQLite ends cleanly at the limit of its heap, goes on, and goes.

Usage: sqlite_heap_test.py PROGRAM
"""
import json
import subprocess
import sys

MIB = 1 << 20
SQLITE_NOMEM = 7
ROW = 4400  # bytes: each has a page of its own, with its header

seen = json.loads(subprocess.run([sys.argv[1]], check=True, timeout=100, capture_output=True).stdout)
print(seen)
assert seen["at_limit"] == SQLITE_NOMEM and seen["denied"] >= 1, "no clean end at the limit"
assert 6 * MIB < seen["kept"] * ROW < 8 * MIB and seen["whole"] == 1, "what was there is harmed"
assert seen["raised"] == 0 and seen["rows"] == seen["kept"] + 1500, "does not go on"
assert seen["whole_raised"] == 1 and 8 * MIB < seen["peak"] <= seen["limit"], "above the limit"
assert seen["full"] - seen["before"] > seen["resident"] > 11 * MIB, "not what is resident"
assert seen["full"] - seen["after"] > seen["resident"] - MIB // 4, "does not vanish"
