# SPDX-License-Identifier: MIT
"""Fails unless Lua ends cleanly at the limit of its heap, goes on, and goes.

Usage: lua_heap_test.py PROGRAM
"""
import json
import subprocess
import sys

MIB = 1 << 20
LUA_ERRMEM = 4

seen = json.loads(subprocess.run([sys.argv[1]], check=True, timeout=100, capture_output=True).stdout)
print(seen)
assert seen["at_limit"] == LUA_ERRMEM and seen["denied"] >= 1, "no clean end at the limit"
assert seen["usable"] == 0 and 20000 < seen["kept"] < 150000, "what was there is harmed"
assert seen["raised"] == 0 and seen["filled"] == 150000, "does not go on"
assert 8 * MIB < seen["peak"] <= seen["limit"], "above the limit"
assert seen["full"] - seen["before"] > seen["resident"] > 16 * MIB, "not what is resident"
assert seen["full"] - seen["after"] > seen["resident"] - MIB // 4, "does not vanish"
