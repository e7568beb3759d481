# SPDX-License-Identifier: MIT
"""Runs a program that misuses a sample: the line of its mistake is followed by the stacks.

Usage: run_sampled.py PROGRAM LIBRARY SOURCE STACKS [TEXT [goes_on]]

Line 1 of SOURCE says what is expected, as for run_misuse.py, unless TEXT does. Every block is a sample. STACKS, such
as allocated+freed+now, says who is named; each stack must lead to the program, but for the last: a
function whose end is the wrong call may not be on it.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
from run_misuse import SECONDS, expectation, how_it_ended, without_core

CONF = "profile:true,profile_interval:1"
HEADINGS = {"allocated by": "allocated", "freed by": "freed", "now in": "now"}


def run(program, library):
    """The finished process."""
    return subprocess.run(
        [program], env=dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=CONF),
        preexec_fn=without_core, timeout=SECONDS, capture_output=True, text=True, errors="replace",
        check=False)


def stacks_of(lines):
    """Who is named, with the frames."""
    stacks = {}
    for line in lines:
        heading = re.fullmatch(r"  (allocated by|freed by|now in) thread [1-9]\d*:", line)
        if heading:
            frames = stacks.setdefault(HEADINGS[heading[1]], [])
        elif line.startswith("    "):
            frames.append(line.strip())
    return stacks


def faults_of(result, expected_end, expected, program):
    """What is wrong with the report, one sentence each."""
    text, status = expected_end
    if result.returncode != status:
        yield how_it_ended(result.returncode)
    lines = result.stderr.splitlines()
    headlines = [line for line in lines if not line.startswith(" ")]
    if len(headlines) != 1 or lines[:1] != headlines:
        yield f"{len(headlines)} headlines instead of one at the top"
    headline = headlines[0] if headlines else ""
    if not headline.startswith("lunalloc: ") or text not in headline:
        yield f"the report does not say 'lunalloc: {text}'"
    stacks = stacks_of(lines)
    if set(stacks) != expected:
        yield f"the stacks are {sorted(stacks)} instead of {sorted(expected)}"
    name = os.path.basename(program)
    for who, frames in stacks.items():
        wanted = "" if who == "now" else name
        if not any(re.match(rf"{re.escape(wanted)}.*\+0x", frame) for frame in frames):
            yield f"the stack '{who}' does not name the program: {frames}"
    is_told = any(re.fullmatch(r"  the block: \d+ bytes? at 0x[0-9a-f]+(, freed \d+ \w+ ago)?", line)
                  for line in lines)
    if is_told != ("allocated" in expected):
        yield "the block is told of" if is_told else "the block is not told of"


def main():
    program, library, source, stacks = sys.argv[1:5]
    end = (sys.argv[5], 0 if sys.argv[6:] else -signal.SIGABRT) if sys.argv[5:] else expectation(source)
    result = run(program, library)
    print(result.stderr, end="")
    faults = list(faults_of(result, end, set(stacks.split("+")), program))
    if faults:
        sys.exit("\n".join(f"failed: {fault}" for fault in faults))


if __name__ == "__main__":
    main()
