# SPDX-License-Identifier: MIT
"""Runs a program, looks at its statistics all the while, and says how far they are apart.

Usage: reconcile.py LIBRARY WATCHER COMMAND...; for each process of the command, one line for
the middle of its run, one for the peak of its resident bytes, and one for its end.
"""
import collections
import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

KIB = 1 << 10


def row(name, text):
    """One line: what is resident by mincore, by the books and by smaps, and what is sure."""
    sums = text["reconciliation"]
    resident, accounted = sums["resident_bytes"], sums["accounted_bytes"]
    by_smaps = sums["process_resident_bytes"] - sums["not_ours_bytes"]
    room = resident * 0.02 + 64 * KIB
    agrees = abs(resident - accounted) <= room
    numbers = (resident, accounted, by_smaps, sums["sure_bytes"])
    text = " ".join(f"{number // KIB:10}" for number in numbers)
    ratio = 100 * sums["unaccounted_ratio"]
    return f"{name:8} {text} {ratio:7.2f} % {'yes' if agrees else 'NO'}", agrees


def main():
    library, watcher, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        preload = f"{os.path.abspath(library)} {os.path.abspath(watcher)}"
        environment = dict(os.environ, LD_PRELOAD=preload, STATS_WATCH=folder)
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)
        processes = collections.defaultdict(list)
        for path in glob.glob(f"{folder}/*.json"):
            pid, number = map(int, re.search(r"(\d+)\.(\d+)\.json$", path).groups())
            text = json.loads(pathlib.Path(path).read_text())
            # In a sandbox without /proc nobody knows what is resident.
            if text["reconciliation"]["unaccounted_ratio"] is not None:
                processes[pid].append((number, text))
    failed = False
    for pid, found in processes.items():
        texts = [text for _, text in sorted(found, key=lambda each: each[0])]
        failed |= not all(row("", text)[1] for text in texts)
        if len(texts) < 3:
            continue
        print(f"process {pid}: {len(texts)} snapshots\n"
              f"{'':8} {'resident':>10} {'accounted':>10} {'by smaps':>10} {'sure':>10} KiB")
        peak = max(texts, key=lambda text: text["reconciliation"]["resident_bytes"])
        for name, text in ("middle", texts[len(texts) // 2]), ("peak", peak), ("end", texts[-1]):
            print(row(name, text)[0])
    print("some snapshot is off" if failed else "all snapshots agree to 2 % and 64 KiB")


main()
