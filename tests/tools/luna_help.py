# SPDX-License-Identifier: MIT
"""What luna says of itself."""
import os
import re
import subprocess
import sys

luna = os.path.abspath(sys.argv[1])


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def help_of(*words):
    """The help of a verb, or of luna."""
    return subprocess.run([luna, *words, "--help"], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def verbs():
    """All subcommands."""
    return re.findall(r"^  ([a-z]\S*)", help_of().split("Subcommands:\n", 1)[1], re.M)


def options_of(text):
    """All names of options, short ones too, and -h."""
    part = re.search(r"^Options:\n((?:  .*\n)+)", text, re.M)[1]
    return [name for names in re.findall(r"^  (-\S+)", part, re.M) for name in names.split(",")]


def choices_of(text):
    """The values of each option that takes one of several."""
    found = re.findall(r"^  (?:-\w,)?(--[\w-]+) TEXT:\{([^}]*)\}", text, re.M)
    return {option: values.split(",") for option, values in found}
