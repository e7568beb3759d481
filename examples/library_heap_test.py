# SPDX-License-Identifier: MIT
"""Fails unless a heap that is entered around a library's calls gets what the library allocates.

Usage: library_heap_test.py PROGRAM
"""
import json
import subprocess
import sys

LEAST = {"zlib": 250_000, "libxml2": 10_000_000}  # bytes that it has in use


def figures(how, library):
    """What the library has in use, by the heap's books or by the library's hooks."""
    answer = subprocess.run([sys.argv[1], how, library], check=True, timeout=100, capture_output=True)
    print(answer.stdout.decode(), end="")
    return json.loads(answer.stdout)


for library, least in LEAST.items():
    entered, counted = figures("enter", library), figures("count", library)
    assert counted["bytes"] > least, f"{library} has done too little"
    for what in ("bytes", "blocks"):
        share = entered[what] / counted[what]
        assert 0.99 <= share <= 1.01, f"{share:.2%} of the {what} of {library} are in its heap"
