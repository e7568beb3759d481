# SPDX-License-Identifier: MIT
"""Fails on marks of unfinished work, on dead code, on folders of one machine, on unit tests that
assert nothing and on a missing licence line."""
import re

import source_tree

# Written in pieces, so that this file does not complain about itself.
MARKS = {
    "TO" r"DO(?!\(#\d+\))": "needs the number of an issue, as in TO" "DO(#12)",
    "FIX" "ME": "is not a place to stop",
    r"X" "XX": "is not a place to stop",
    "(?i:not" r"[ \-]implemented)(?! by\b)": "is a promise; implement it or leave it out",
    r"#\s*if\s+0\s*$": "hides dead code; git remembers",
    r"(?<![\w}])/(?:home|root|work|Users)/\w+": "is a folder of one machine",
    "<<<<" "<<< |>>>>" ">>> ": "is left over from a merge",
}
PATTERN = re.compile("|".join(f"(?P<m{number}>(?<![A-Za-z]){mark}(?![A-Za-z]))" if mark[0] != "<"
                              else f"(?P<m{number}>^(?:{mark}))"
                              for number, mark in enumerate(MARKS)), re.M)
LICENSED = source_tree.CPP_SUFFIXES | {".py", ".sh", ".build", ".S"}


def main():
    root = source_tree.root_from_arguments()
    errors = []
    paths = source_tree.tracked(root)
    for path in paths:
        place, text = path.relative_to(root), path.read_text(errors="replace")
        for match in PATTERN.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            reason = list(MARKS.values())[int(match.lastgroup[1:])]
            errors.append(f"{place}:{line}: {match[0].strip()} {reason}")
        if (path.suffix in LICENSED or path.name == "meson.build") and place.parts[0] != "subprojects":
            if "SPDX-License-Identifier: MIT" not in "\n".join(text.splitlines()[:4]):
                errors.append(f"{place}: no SPDX-License-Identifier line at the top")
        if place.match("tests/unit/**/*_test.cpp") and not re.search(r"\b(EXPECT|ASSERT)_[A-Z]", text):
            errors.append(f"{place}: asserts nothing")
        if any(part in place.stem.split("_") for part in ("util", "utils", "helper", "misc", "common")):
            errors.append(f"{place}: a file's name says what it holds")
    source_tree.finish(errors, f"{len(paths)} files without unfinished marks")


main()
