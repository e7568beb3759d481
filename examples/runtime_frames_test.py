# SPDX-License-Identifier: MIT
"""Fails if the example does not show the functions that it runs, with their bytes.

Usage: runtime_frames_test.py PROGRAM
"""
import pathlib
import subprocess
import sys
import tempfile

EXPECTED = {
    ";main@table.script:14;load_table@table.script:8": 200_000,
    ";main@table.script:14;load_table@table.script:8;load_row@table.script:3": 1_000_000,
}

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "profile.folded"
    subprocess.run([sys.argv[1], path], check=True, timeout=100)
    text = path.read_text()

for frames, size in EXPECTED.items():
    found = [line for line in text.splitlines() if line.endswith(f"{frames} {size}")]
    if len(found) != 1:
        sys.exit(f"failed: no stack that ends with {frames} {size} in {text}")
