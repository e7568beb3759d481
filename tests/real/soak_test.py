# SPDX-License-Identifier: MIT
"""tools/soak.py for some seconds; and that it finds a crash, a wrong answer and memory that grows.

Usage: soak_test.py LIBRARY FOLDER    the folder of soak.py
"""
import csv
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import support

sys.path.insert(0, sys.argv[2])
from soak_figures import MIB, POINTS_NEEDED, Sample, drift_fault, line_fit  # noqa: E402
from soak_servers import available  # noqa: E402

# An interpreter of soak.py, but for what it does with the library in it.
PRETENDER = """#!/bin/bash
while read -r line; do
  if [ -n "$LD_PRELOAD" ]; then {mischief}; fi
  echo "$line"; echo .
done
"""


def soak(top, name, arguments, path):
    """Runs it; returns status, output and the folder that it has written."""
    out = top / name
    process = subprocess.Popen(
        [sys.executable, "-B", f"{sys.argv[2]}/soak.py", sys.argv[1], "--out", out, "--every", "1", "--quiet", "1",
         *arguments], env={**os.environ, "PATH": path, "TMPDIR": str(top)}, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    try:
        output = process.communicate(timeout=150)[0]
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        raise support.Failure(f"soak.py does not end: {process.communicate()[0]}") from None
    return process.returncode, output, out


def check_run(top, names):
    """Real programs: no fault, and figures of each."""
    status, output, out = soak(top, "run", ["--seconds", "5", "--seed", "3", "--only", ",".join(names)],
                               os.environ["PATH"])
    print(output, flush=True)
    support.expect(status == 0 and "faults: 0" in output, f"status {status}")
    with open(out / "samples.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in names:
        quiet = [row for row in rows if row["server"] == name and row["state"] == "quiet"]
        support.expect(quiet, f"{name} has no quiet point in {rows}")
        for row in quiet:
            support.expect(int(row["live_bytes"]) > 0 and int(row["rss_bytes"]) >= int(row["resident_bytes"]) > 0,
                           f"{name}: {row}")
        support.expect(f"| {name} (" in output, f"{name} is not in the table")
    curves = xml.etree.ElementTree.parse(out / "chart.svg").iter("{http://www.w3.org/2000/svg}polyline")
    support.expect(len(list(curves)) == 3 * len(names), "not three curves for each server")


def check_finds(top, mischief, words):
    """A program that does this with the library in it makes the status 1, and is told of."""
    folder = top / mischief.split()[0]
    folder.mkdir()
    (folder / "lua5.4").write_text(PRETENDER.format(mischief=mischief))
    (folder / "lua5.4").chmod(0o755)
    status, output, _ = soak(top, f"{folder.name}-out", ["--seconds", "1", "--only", "lua"],
                             f"{folder}:{os.environ['PATH']}")
    support.expect(status == 1 and words in output, f"status {status} after {mischief}: {output}")


def samples(live, resident):
    """Quiet points, one each minute."""
    return [Sample(60.0 * number, "quiet", 1, 2 * whole, whole, part)
            for number, (part, whole) in enumerate(zip(live, resident))]


def check_drift():
    """Memory that is not live and grows is a fault; noise, warming up and what the program keeps are none."""
    slope, error = line_fit([(x, 3 * x + 1) for x in range(9)])
    support.expect(abs(slope - 3) < 1e-9 and error < 1e-9, f"the slope of a line is {slope} ± {error}")
    numbers = random.Random(1)
    count = 4 * POINTS_NEEDED
    noise = [50 * MIB + numbers.randrange(4 * MIB) for _ in range(count)]
    growing = [bytes_ + number * MIB for number, bytes_ in enumerate(noise)]
    flat = [40 * MIB] * count
    support.expect(drift_fault(samples(flat, growing)), "a heap that grows without end is no fault")
    support.expect(not drift_fault(samples(flat, noise)), "noise is a fault")
    support.expect(not drift_fault(samples(growing, [bytes_ + 9 * MIB for bytes_ in growing])),
                   "what the program keeps is a fault")
    warming = growing[:count // 4] + [growing[count // 4]] * (count - count // 4)
    support.expect(not drift_fault(samples(flat, warming)), "warming up is a fault")


def main():
    names = [name for name in ("python3", "redis", "sqlite3") if name in available()]
    if not names:
        print("skipped: none of python3, redis-server and sqlite3 is installed")
        sys.exit(support.SKIPPED)
    support.end_children_with_us()
    top = pathlib.Path(tempfile.mkdtemp(prefix="lunalloc-soak-"))
    top.chmod(0o755)
    try:
        check_drift()
        check_finds(top, "kill -SEGV $$", "died of SIGSEGV")
        check_finds(top, "echo wrong", "answers b'wrong")
        check_run(top, names)
    except support.Failure as failure:
        sys.exit(f"FAILED: {failure}")
    finally:
        support.kill_descendants()
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    main()
