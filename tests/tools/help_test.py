# SPDX-License-Identifier: MIT
"""Every verb of luna tells its examples and exit statuses, and its manual page has its options.

Usage: help_test.py LUNA FOLDER    the folder of the manual pages
"""
import pathlib
import re
import sys

from luna_help import expect, help_of, options_of, verbs

manual = "\n".join(page.read_text().replace("\\ ", "")
                   for page in sorted(pathlib.Path(sys.argv[2]).glob("luna*.1.rst")))


def check_help(verb, text):
    """An example that begins as one types it, and the statuses with 0 and 2."""
    examples = re.search(r"^Examples:\n((?:  .*\n)+)", text, re.M)
    expect(examples and f"  luna {verb}" in examples[1], f"luna {verb} --help has no example of it")
    status = re.search(r"^Exit status: (.*)", text, re.M | re.S)
    expect(status and "2 wrong usage" in " ".join(status[1].split()),
           f"luna {verb} --help does not tell its exit statuses")


def check_manual(verb, text):
    """The synopsis of a page has the verb, and some page each of its options."""
    expect(f"| **luna {verb}**" in manual, f"no page of docs/man has **luna {verb}** in its synopsis")
    for option in options_of(text):
        if option.startswith("--") and option != "--help":
            expect(f"**{option}**" in manual or f"**{option} " in manual,
                   f"no page of docs/man tells of {option}, which luna {verb} has")


def main():
    found = verbs()
    expect({"attach", "ps", "run", "stats"} <= set(found), f"the verbs are {found}")
    for verb in found:
        text = help_of(verb)
        check_help(verb, text)
        check_manual(verb, text)
    print(f"{len(found)} verbs have examples, exit statuses and a manual")


main()
