# SPDX-License-Identifier: MIT
"""Fails if a C or C++ file is not formatted as .clang-format says.

The version is pinned: others format differently. Skipped where it is not installed.
"""
import shutil
import subprocess

import source_tree

PROGRAM = "clang-format-14"
FOLDERS = ("src", "preload", "include", "tests", "bench", "tools")


def main():
    root = source_tree.root_from_arguments()
    if shutil.which(PROGRAM) is None:
        source_tree.skip(f"{PROGRAM} is not installed")
    paths = source_tree.files(root, FOLDERS, source_tree.CPP_SUFFIXES)
    if not paths:
        source_tree.skip("no source files were found")
    errors = []
    for path in paths:
        text = path.read_text()
        result = subprocess.run([PROGRAM, f"--assume-filename={path}"], input=text, text=True,
                                capture_output=True, check=False, cwd=root)
        if result.returncode:
            errors.append(f"{path.relative_to(root)}: {result.stderr.strip()}")
        elif result.stdout != text:
            before, after = text.splitlines(), result.stdout.splitlines()
            line = next((number for number, pair in enumerate(zip(before, after), 1)
                         if pair[0] != pair[1]), min(len(before), len(after)) + 1)
            errors.append(f"{path.relative_to(root)}:{line}: run {PROGRAM} -i on this file")
    source_tree.finish(errors, f"{len(paths)} files are formatted")


main()
