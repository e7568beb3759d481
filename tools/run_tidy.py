# SPDX-License-Identifier: MIT
"""Runs clang-tidy over the sources of src/ and preload/ that a build folder knows.

usage: run_tidy.py BUILD_FOLDER [FILE…]   with files: only those
"""
import json
import pathlib
import subprocess
import sys

PROGRAM = "clang-tidy-14"


def sources(build, root, only):
    """The C++ files of src/ and preload/ in the compile database, each once."""
    found = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix == ".cpp" and path.is_relative_to(root):
            place = path.relative_to(root)
            if place.parts[0] in ("src", "preload") and (not only or str(place) in only):
                found.add(path)
    return sorted(found)


def main():
    root = pathlib.Path(__file__).resolve().parents[1]
    build = pathlib.Path(sys.argv[1]).resolve()
    paths = sources(build, root, sys.argv[2:])
    bad = 0
    for path in paths:
        result = subprocess.run([PROGRAM, "-p", str(build), "--quiet", str(path)], text=True,
                                capture_output=True, check=False, cwd=root)
        clean = result.returncode == 0
        print(f"  {'ok  ' if clean else 'FAIL'} {path.relative_to(root)}", flush=True)
        if not clean:
            bad += 1
            print(result.stdout, flush=True)
    if not paths:
        return "no sources were found"
    return f"{bad} of {len(paths)} files are not clean" if bad else 0


sys.exit(main())
