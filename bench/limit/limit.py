#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""limit.py: who survives the limit of a cgroup?

Runs limit_bench under each library in a cgroup of its own, in interleaved rounds, and writes a
table: how often it survived, the peak of the cgroup, and what the library gave back. Needs the
right to make cgroups.
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

sys.dont_write_bytecode = True  # leave no cache in the source tree
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
sys.path.insert(0, str(ROOT / "tests" / "preload" / "machine"))

from comparison import libraries  # noqa: E402
import own_cgroup  # noqa: E402

MIB = 1 << 20
PARTS = ("reuse", "told")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs programs into the limit of a cgroup.")
    parser.add_argument("--lib", action="append", default=[], metavar="NAME=PATH.so",
                        help="a library to preload; may be repeated")
    parser.add_argument("--debian", action="store_true",
                        help="add the allocators that Debian packages")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench",
                        help="where limit/limit_bench was built")
    parser.add_argument("--limit", type=int, default=400, metavar="MIB", help="default 400")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="default 3")
    return parser.parse_args()


def run(program: pathlib.Path, part: str, library, limit: int) -> dict:
    """One run: whether it survived, the peak in MiB, and what was given back."""
    with own_cgroup.OwnCgroup("limit", limit * MIB) as own:
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)
        if library.path is not None:
            environment["LD_PRELOAD"] = str(library.path)
        result = subprocess.run([program, part, str(limit)], env=environment, text=True,
                                capture_output=True, check=False, preexec_fn=own.enter)
        peak = int(own.read("memory.peak" if own.version == 2 else "memory.max_usage_in_bytes"))
    if result.returncode not in (0, -signal.SIGKILL):
        sys.exit(f"{library.name}: {part} ended with {result.returncode}: {result.stdout}")
    survived = result.returncode == 0
    return {"survived": survived, "peak": peak // MIB,
            "released": int(result.stdout.split()[1]) if survived else None}


def span(values) -> str:
    """The lowest and the highest of some numbers, or - for none."""
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}..{high}"


def main() -> None:
    arguments = parse_arguments()
    chosen = [libraries.Library(libraries.BASELINE, None)]
    chosen += [libraries.parse(text) for text in arguments.lib]
    if arguments.debian:
        chosen += libraries.find_debian()[0]
    program = arguments.build / "limit" / "limit_bench"
    results: dict = {}
    for _ in range(arguments.runs):
        for part in PARTS:
            for library in chosen:
                outcome = run(program, part, library, arguments.limit)
                results.setdefault((part, library.name), []).append(outcome)
    print("| program | library | survived | peak of the cgroup, MiB | given back, MiB |")
    print("| --- | --- | --- | --- | --- |")
    for (part, name), runs in results.items():
        survived = sum(one["survived"] for one in runs)
        print(f"| `{part}` | {name} | {survived} of {len(runs)} "
              f"| {span([one['peak'] for one in runs])} "
              f"| {span([one['released'] for one in runs])} |")


main()
