# SPDX-License-Identifier: MIT
"""The files that the style rules are about, and how a rule reports what it found.

Every test of this folder calls finish() with its list of complaints.
"""
import pathlib
import re
import subprocess
import sys

FOLDERS = ("src", "preload", "include", "tests", "bench", "tools")
CPP_SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".cc"}
SKIPPED = 77  # the exit status that meson counts as a skipped test


def files(root, folders=FOLDERS, suffixes=None):
    """All files below `folders` of `root`, sorted, without caches."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root).parts
            if any(part.startswith((".", "__pycache__")) for part in inside):
                continue
            if path.is_file() and (suffixes is None or path.suffix in suffixes):
                found.append(path)
    return found


def tracked(root):
    """Every text file of the project: what git knows or would add, else all but builds."""
    listing = subprocess.run(
        ["git", "-C", str(root), "-c", f"safe.directory={root}", "ls-files", "-co",
         "--exclude-standard", "-z"], capture_output=True, check=False)
    if listing.returncode == 0:
        paths = [root / name for name in listing.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in root.rglob("*")
                 if not path.relative_to(root).parts[0].startswith("build")
                 and not {".git", "__pycache__"} & set(path.relative_to(root).parts)]
    return [path for path in sorted(set(paths)) if path.is_file() and is_text(path)]


def is_text(path):
    """True for a file without NUL bytes in its first 8 KiB."""
    with open(path, "rb") as file:
        return b"\0" not in file.read(8192)


def blank(match):
    """Replaces a match by spaces, keeping its line breaks, so that line numbers hold."""
    return re.sub(r"[^\n]", " ", match[0])


TOKEN = re.compile(r"""
    //(?:\\\n|[^\n])*                              # line comment
  | /\*.*?\*/                                      # block comment
  | R"(?P<mark>[^()\\\s]*)\(.*?\)(?P=mark)"        # raw string
  | "(?:\\.|[^"\\\n])*"                            # string
  | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'            # character (not a digit separator)
""", re.S | re.X)


def without_comments(text):
    """C++ text with comments, strings and characters turned into spaces."""
    return TOKEN.sub(blank, text)


def finish(errors, passed):
    """Ends the test: prints the complaints and fails, or prints `passed`."""
    for error in errors:
        print(error)
    if errors:
        sys.exit(f"{len(errors)} violation(s)")
    print(passed)


def skip(reason):
    """Ends the test as skipped."""
    print(f"skip: {reason}")
    sys.exit(SKIPPED)


def root_from_arguments():
    """The project's root: the first argument, else two folders above this file."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        return pathlib.Path(sys.argv[1]).resolve()
    return pathlib.Path(__file__).resolve().parents[2]
