# SPDX-License-Identifier: MIT
"""The manual pages of the library have every option with its default, and every function.

Usage: manual_test.py FOLDER LIBRARY HEADERS EXPORTS
"""
import os
import pathlib
import re
import subprocess
import sys

folder, library, headers, exports = (pathlib.Path(os.path.abspath(path)) for path in sys.argv[1:5])
HEAD = re.compile(r"^((?:\*\*\w+\*\*(?:, )?)+) \((.*)\)$", re.M)
# As the page says it.
NOTHING = ("empty", "none")


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def options_of_library():
    """What the library says of each of its options: the value, and where it is from."""
    said = subprocess.run(["/bin/true"], capture_output=True, text=True, check=True, timeout=60,
                          env={"LD_PRELOAD": str(library), "LUNALLOC_CONF": "confirm_conf:true"})
    return {name: (value, source) for name, value, source in
            re.findall(r"^lunalloc: (\w+):(.*) (by default|from .*)$", said.stderr, re.M)}


def options_of_page():
    """The default of each option in lunalloc.conf(5)."""
    page = (folder / "lunalloc.conf.5.rst").read_text()
    found = {}
    for names, inside in HEAD.findall(page.split("\nOPTIONS\n", 1)[1]):
        inside = inside.replace("*", "")
        defaults = inside.split("; ")[1:] if ";" in inside else inside.split(", ")[1:]
        for name, default in zip(re.findall(r"\w+", names), defaults, strict=True):
            expect(name not in found, f"lunalloc.conf(5) has {name} twice")
            found[name] = "" if default in NOTHING else default
    return found


def check_options():
    """Neither has one that the other lacks, and the defaults are the same."""
    of_library, of_page = options_of_library(), options_of_page()
    expect(len(of_library) > 40, f"the library says of its options {of_library}")
    expect(set(of_library) == set(of_page),
           f"in one of the two alone: {sorted(set(of_library) ^ set(of_page))}")
    for name, (value, source) in of_library.items():
        expect(source != "by default" or of_page[name] == value,
               f"the default of {name} is {value!r}, in lunalloc.conf(5) {of_page[name]!r}")
    return len(of_page)


def check_functions():
    """lunalloc(3) has each function that is exported or inline, and no other."""
    names = set(re.findall(r"\b(luna_\w+)\b", exports.read_text()))
    for header in headers.glob("*.h"):
        names |= set(re.findall(r"^static inline \w+ \**(luna_\w+)\(", header.read_text(), re.M))
    page = (folder / "lunalloc.3.rst").read_text()
    told = set(re.findall(r"\*\*(?:[\w ]+[ *\\]+)?(luna_\w+)(?:\*\*|\()", page))
    expect(names == told, f"in one of the two alone: {sorted(names ^ told)}")
    return len(names)


def main():
    print(f"{check_options()} options and {check_functions()} functions have their manual")


main()
