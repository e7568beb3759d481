# SPDX-License-Identifier: MIT
"""Sums up what gcovr found of the lines that ran.

usage: coverage_report.py COVERAGE.json UNCOVERED.txt
Prints the files of src/ of which less than 90 % ran, with the lines that did not, and a table of
folders. UNCOVERED.txt gets the lines of all files that did not run.
"""
import collections
import json
import pathlib
import sys

WANTED = 0.9


def spans(numbers):
    """Line numbers as text, neighbours together: 3-5 9."""
    result = []
    for number in sorted(numbers):
        if result and result[-1][1] == number - 1:
            result[-1][1] = number
        else:
            result.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in result)


def counts_of(file):
    """How often each line of code ran: line number to count."""
    counts = collections.Counter()
    for line in file["lines"]:
        if not line.get("gcovr/noncode", False):
            counts[line["line_number"]] += line["count"]
    return counts


def main():
    folders = collections.defaultdict(lambda: [0, 0])
    uncovered = []
    for file in sorted(json.loads(pathlib.Path(sys.argv[1]).read_text())["files"],
                       key=lambda file: file["file"]):
        counts = counts_of(file)
        missing = [number for number, count in counts.items() if count == 0]
        ran = len(counts) - len(missing)
        path = pathlib.PurePosixPath(file["file"])
        for name in {f"{path.parent}/", f"{path.parts[0]}/ in all"}:
            folders[name][0] += ran
            folders[name][1] += len(counts)
        if missing:
            line = f"{path}: {ran} of {len(counts)} ran, not {spans(missing)}"
            uncovered.append(line + "\n")
            if path.parts[0] == "src" and ran < WANTED * len(counts):
                print(line)
    pathlib.Path(sys.argv[2]).write_text("".join(uncovered))
    print(f"\n{'folder':<24}{'ran':>8}{'lines':>8}{'share':>10}")
    for name, (ran, lines) in sorted(folders.items()):
        print(f"{name:<24}{ran:>8}{lines:>8}{100 * ran / max(lines, 1):>8.1f} %")
    print(f"all that did not run: {sys.argv[2]}")


main()
