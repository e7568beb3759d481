# SPDX-License-Identifier: MIT
"""Runs a program that misuses a guarded block: it is told with the stacks, and dies or goes on.

Usage: run_guarded.py PROGRAM LIBRARY SOURCE

The first two lines of SOURCE say what is expected, and which signal ends the program. It writes
the pointer that it misuses to stdout, which the report must name. With guard_action:report it
must go on to its end.
"""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

SECONDS = 60
CONF = "profile_interval:1,guard_samples:1,guard_action:"


def expectations(source):
    """(text, signal) of the first two lines."""
    lines = pathlib.Path(source).read_text().splitlines()
    text = re.fullmatch(r"// expects: (.+)", lines[0])
    ending = re.fullmatch(r"// dies of: (SIG\w+)", lines[1])
    if text is None or ending is None:
        sys.exit(f"{source} does not begin with what is expected")
    return text[1], signal.Signals[ending[1]]


def run(program, library, action):
    """The finished process, with no core."""
    return subprocess.run(
        [program], env=dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=CONF + action),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)), timeout=SECONDS,
        capture_output=True, text=True, errors="replace", check=False)


def stacks_of(report):
    """The stacks of a report: what stands over each, with its frames."""
    stacks = {}
    for line in report:
        heading = re.fullmatch(r"  (allocated by|freed by|now in) thread (\d+):", line)
        if heading:
            frames = stacks.setdefault(heading[1], [])
        elif line.startswith("    "):
            frames.append(line.strip())
    return stacks


def faults_of(result, text, program):
    """What is wrong with the report, one sentence each."""
    lines = result.stderr.splitlines()
    headlines = [line for line in lines if not line.startswith(" ")]
    if len(headlines) != 1:
        yield f"{len(headlines)} reports instead of one"
    headline = headlines[0] if headlines else ""
    if not headline.startswith("lunalloc: ") or text not in headline:
        yield f"the report does not say 'lunalloc: {text}'"
    if not re.search(rf"\b{re.escape(result.stdout.strip())}\b", headline):
        yield f"the report does not name the pointer {result.stdout.strip()}"
    stacks = stacks_of(lines)
    # A block that is being freed has no other stack of now.
    expected = {"allocated by", "freed by" if "found when" in text else "now in"}
    if any(word in text for word in ("after free", "double free", "freed block")):
        expected.add("freed by")
    if set(stacks) != expected:
        yield f"the stacks are {set(stacks)}"
    for name, frames in stacks.items():
        if not any(frame.startswith(os.path.basename(program) + "+0x") for frame in frames):
            yield f"the stack '{name}' does not name the program: {frames}"


def main():
    program, library, source = sys.argv[1:]
    text, ending = expectations(source)
    for action, status in (("die", -ending), ("report", 0)):
        result = run(program, library, action)
        print(result.stderr, end="")
        faults = list(faults_of(result, text, program))
        if result.returncode != status:
            faults.append(f"ended with {result.returncode} instead of {status}")
        if faults:
            sys.exit("\n".join(f"failed with guard_action:{action}: {fault}" for fault in faults))


if __name__ == "__main__":
    main()
