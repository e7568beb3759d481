# SPDX-License-Identifier: MIT
"""Turns meson's test logs into lines, and those lines into one count.

usage: count_results.py add CONFIGURATION LOG.json   prints one line a test
       count_results.py sum LINES                    prints what failed and what was
                                                     skipped, then the count
A line is: configuration, passed|failed|skipped, name, reason, separated by tabs.
"""
import json
import pathlib
import re
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP", "IGNORED"}
GTEST_SKIP = re.compile(r"^\[  SKIPPED \] (\S+\.\S+) \(\d+ ms\)$", re.M)


def one_line(text, length=200):
    """The text without what would break the table."""
    return re.sub(r"[\x00-\x1f]+", " ", text).strip()[:length]


def reason_of(test):
    """Why a test was skipped: its line that says so, else its last line."""
    output = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        match = re.match(r"(?i)skip(?:ped|ping)?\b\s*[:,\-]?\s*(.+)", line)
        if match:
            return one_line(match[1])
    return one_line(lines[-1]) if lines else "no reason given"


def last_words_of(test):
    """The last lines of what a failed test printed, joined: a log may be gone when they are asked for."""
    output = (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return one_line(" / ".join(line[:120] for line in lines[-3:]), 360)


def skipped_cases(test):
    """(name, reason) of each GoogleTest case that skipped itself inside a passing program."""
    output = test.get("stdout") or ""
    for match in GTEST_SKIP.finditer(output):
        before = [line for line in output[:match.start()].splitlines() if line.strip()]
        reason = before[-1] if before else ""
        yield match[1], re.sub(r"^\S+:\d+: Skipped\s*", "", one_line(reason)) or "no reason given"


def add(configuration, log):
    """Prints a line for each test in the log."""
    path = pathlib.Path(log)
    tests = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    for test in tests:
        name = one_line(test["name"])
        if test["result"] in PASSED:
            print(configuration, "passed", name, "", sep="\t")
            for case, reason in skipped_cases(test):
                print(configuration, "skipped", case, reason, sep="\t")
        elif test["result"] in SKIPPED:
            print(configuration, "skipped", name, reason_of(test), sep="\t")
        else:
            status = f"{test['result'].lower()}, status {test.get('returncode')}"
            print(configuration, "failed", name, f"{status}: {last_words_of(test)}", sep="\t")


def total(lines):
    """Prints the skipped and the failed, then the count; the status says if any failed."""
    rows = [line.split("\t") for line in pathlib.Path(lines).read_text().splitlines()]
    for result in ("skipped", "failed"):
        for configuration, _, name, reason in (row for row in rows if row[1] == result):
            print(f"  {result}: {configuration}: {name}" + (f" ({reason})" if reason else ""))
    counts = {result: sum(row[1] == result for row in rows)
              for result in ("passed", "failed", "skipped")}
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "add":
        return add(sys.argv[2], sys.argv[3])
    if len(sys.argv) == 3 and sys.argv[1] == "sum":
        return total(sys.argv[2])
    return __doc__


sys.exit(main())
