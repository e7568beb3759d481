# SPDX-License-Identifier: MIT
"""Fails if the example does not say that all messages arrived within the bound.

Usage: messages_test.py PROGRAM
"""
import re
import subprocess
import sys

result = subprocess.run([sys.argv[1]], check=True, timeout=100, capture_output=True, text=True)
told = re.fullmatch(r"100000 messages, (\d+) at once at most\n", result.stdout)
if told is None or not 1 <= int(told[1]) <= 64 or result.stderr:
    sys.exit(f"failed: it says {result.stdout!r} and {result.stderr!r}")
