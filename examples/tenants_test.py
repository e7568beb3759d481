# SPDX-License-Identifier: MIT
"""Fails unless each tenant gets what its limit, and that of all, permits.

Usage: tenants_test.py PROGRAM
"""
import json
import subprocess
import sys

MIB = 1 << 20
SESSION = 5000 + 200  # bytes, with all that belongs to it

seen = json.loads(subprocess.run([sys.argv[1]], check=True, timeout=100, capture_output=True).stdout)
print(seen)
assert 13 * MIB < seen["blue"] * SESSION < 16 * MIB, "blue has not got its limit"
assert 6 * MIB < seen["green"] * SESSION < 9 * MIB, "green has not got what blue left"
assert seen["green_alone"] > 1.6 * seen["green"], "green got nothing when blue went"
assert seen["page"] > 100, "what was rendered in a scope is not in the heap"
assert seen["used"] == seen["of_both"] <= 24 * MIB and seen["peak"] <= 24 * MIB, "sums are wrong"
