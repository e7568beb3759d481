# SPDX-License-Identifier: MIT
"""Controls that are changed in a running process, and what becomes of it.

Usage: control_test.py PART LIBRARY GUEST [PLUGIN...]
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SKIPPED = 77
PAGE = pathlib.Path(__file__).parents[3] / "docs" / "control.md"
part, library, guest, *plugins = sys.argv[1], *map(os.path.abspath, sys.argv[2:])

# What each part begins with, where that is not nothing.
CONF = {"decay": "decay_ms:100000000", "huge_pages": "huge_pages_above:0", "disabled": "enabled:false",
        "cpu_percent": "profile:true,profile_interval:64,profile_cpu_percent:0"}


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(*arguments):
    """Runs the part of the guest; returns what it prints, and what is said on stderr."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=CONF.get(part, ""))
    result = subprocess.run([guest, part, *arguments], env=environment, capture_output=True,
                            text=True, timeout=250, check=False)
    if result.returncode == SKIPPED:
        print(result.stdout)
        sys.exit(SKIPPED)
    if result.returncode:
        sys.exit(f"failed: {part} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return result.stdout, result.stderr


def site_of(path, allocated):
    """The one site of a profile of which so many bytes were allocated."""
    sites = [site for site in json.loads(path.read_text())["sites"]
             if site["allocated"]["bytes"] == allocated]
    expect(len(sites) == 1, f"{path.name} has {len(sites)} sites of {allocated} bytes, not one")
    return sites[0]


def depth(folder, _):
    """Frames beyond the depth are left out, of stacks that are taken after the change."""
    path = folder / "depth.json"
    expect(len(site_of(path, 1111)["frames"]) > 3, "a stack is cut off before it is wanted")
    expect(len(site_of(path, 2222)["frames"]) == 2, "a stack is not cut off")
    expect(json.loads(path.read_text())["max_depth"] == 2, "the profile does not say how deep")


def temporary(folder, _):
    """What lived for longer than 0 us is temporary only when it may live for a minute."""
    before = site_of(folder / "before.json", 3333)["temporary"]["objects"]
    # The same function, called twice from different places: two sites.
    after = [site["temporary"]["objects"]
             for site in json.loads((folder / "after.json").read_text())["sites"]
             if site["allocated"]["bytes"] == 3333]
    expect(before == 0, f"{before} objects are temporary that none may be")
    expect(sorted(after) == [0, 1], f"temporary are {after}, not one of the two")


def threads(folder, _):
    """Samples have the name of their thread from the change on."""
    path = folder / "threads.json"
    expect("thread" not in site_of(path, 1111)["labels"], "a label that nobody asked for")
    expect(site_of(path, 2222)["labels"].get("thread") == os.path.basename(guest)[:15],
           "no label with the name of the thread")


def at_exit(folder, errors):
    """Profile, reports and statistics, of the kind, in the form and where it was said."""
    profiles = list(folder.glob("at_exit.*.json"))
    reports = list(folder.glob("at_exit.*.leaks.txt"))
    expect(len(profiles) == 1 and len(reports) == 1, f"there are {os.listdir(folder)}")
    expect(json.loads(profiles[0].read_text())["kind"] == "peak", "it is not of the peak")
    expect("lunalloc statistics" in errors, "no summary on stderr")
    statistics = json.loads((folder / "statistics.json").read_text())
    expect("reconciliation" in statistics, f"no statistics: {list(statistics)}")


def leaks(folder, _):
    """What nothing points to is found, but for what is known."""
    report = (folder / "leaks.leaks.txt").read_text()
    expect(re.search(r"\b1 lost, .* 1 suppressed", report), f"leak.proof: {report}")
    expect("nothing points to" in report and "*outermost*" in report, report)


def guard(_, errors):
    """Each of the four mistakes is told, and the process goes on."""
    expect(errors.count("lunalloc: overflow: ") == 4, f"not four reports: {errors}")


def table(output):
    """docs/control.md has a row for each control, as the library itself tells it."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    wanted = output.splitlines()
    if rows != wanted:
        sys.exit(f"failed: the table of {PAGE} is not\n{output}")


def main():
    if part == "table":
        return table(run()[0])
    if not os.path.basename(guest).startswith("control_profile"):
        return run(*plugins)
    with tempfile.TemporaryDirectory(prefix="lunalloc-control-") as name:
        folder = pathlib.Path(name)
        (folder / "known").write_text("leak:*outermost*\n")
        _, errors = run(name)
        looks = {look.__name__: look
                 for look in (depth, temporary, threads, at_exit, leaks, guard)}
        if part in looks:
            looks[part](folder, errors)


main()
