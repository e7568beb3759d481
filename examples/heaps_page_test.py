# SPDX-License-Identifier: MIT
"""Fails if a block of code in docs/heaps.md is not part of an example, which is compiled and run.

Usage: heaps_page_test.py ROOT
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^```(?:c|cpp)\n(.*?)^```", re.S | re.M)


def lines_of(text):
    """The lines without indentation: on the page a passage begins at the margin."""
    return "\n".join(line.strip() for line in text.splitlines())


root = pathlib.Path(sys.argv[1])
page = (root / "docs" / "heaps.md").read_text()
examples = [lines_of(path.read_text()) for path in sorted((root / "examples").glob("*.c*"))]
blocks = BLOCK.findall(page)
if len(blocks) < 5:
    sys.exit(f"failed: only {len(blocks)} blocks of code were found")
for block in blocks:
    # An empty line between dots stands for what is left out.
    for passage in re.split(r"^\s*\.\.\.$", block, flags=re.M):
        if not any(lines_of(passage).strip() in example for example in examples):
            sys.exit(f"failed: no example has this passage of docs/heaps.md:\n{passage}")
print(f"{len(blocks)} blocks of code are parts of examples")
