# SPDX-License-Identifier: MIT
"""Runs a program that misuses memory, and expects it to be stopped with one clear line.

Usage: run_misuse.py PROGRAM LIBRARY SOURCE

Line 1 of SOURCE says what is expected. The program writes the pointer that it misuses to stdout
and must die by SIGABRT, or, where the line begins with "// goes on, and expects:", end with 0, with
exactly one line on stderr that starts with "lunalloc: " and contains the expected text and the pointer.
"""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

SECONDS = 60


def expectation(source):
    """The text, and the status that the program ends with."""
    first_line = pathlib.Path(source).read_text().splitlines()[0]
    match = re.fullmatch(r"// (goes on, and )?expects: (.+)", first_line)
    if match is None:
        sys.exit(f"{source}:1: is neither '// expects: <text>' nor '// goes on, and expects: <text>'")
    return match[2], 0 if match[1] else -signal.SIGABRT


def without_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(program, library):
    try:
        return subprocess.run(
            [program], env=dict(os.environ, LD_PRELOAD=library), preexec_fn=without_core,
            capture_output=True, text=True, errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        sys.exit(f"hung: no end after {SECONDS} s")


def how_it_ended(status):
    if status < 0:
        return f"died by {signal.Signals(-status).name}"
    return f"went on and exited with {status}"


def faults_of(result, text, status):
    """What is wrong with how the program ended, one sentence each."""
    if result.returncode != status:
        yield how_it_ended(result.returncode)
    lines = result.stderr.splitlines()
    if len(lines) != 1:
        yield f"{len(lines)} lines on stderr instead of one"
    message = lines[0] if lines else ""
    if not message.startswith("lunalloc: "):
        yield "the message does not start with 'lunalloc: '"
    if text not in message:
        yield f"the message does not contain '{text}'"
    announced = result.stdout.strip()
    if not re.search(rf"\b{re.escape(announced)}\b", message):
        yield f"the message does not name the pointer {announced}"


def main():
    program, library, source = sys.argv[1:]
    result = run(program, library)
    faults = list(faults_of(result, *expectation(source)))
    print(result.stderr, end="")
    if faults:
        sys.exit("\n".join(f"failed: {fault}" for fault in faults))


if __name__ == "__main__":
    main()
