#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A soak: real servers and interpreters under random loads, with the library preloaded, for long.

Those that are installed among redis, PostgreSQL, python3, perl, ruby, node, lua, java and sqlite3
run all the time. Each has phases of load, then deletes what they left and is quiet for some
seconds. Around them run short programs. What all of them answer is compared with the same program
without the library, or with what it was before. Every few seconds each server is asked at its
socket for its memory.

Writes samples.csv and chart.svg into the folder of --out, and what became of each server to
stdout. The status is 1 if a program crashed, answered wrongly or does not answer, or if memory
that is not live grows from quiet point to quiet point.
"""
import argparse
import csv
import http.client
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from soak_figures import FIELDS, TABLE_HEAD, chart, drift_fault, row, take_sample
from soak_servers import Fault, Place, available
from soak_short_programs import ShortPrograms

OPTIONS = ((), ("background:true",), ("profile:true",), ("profile:true", "background:true"),
           ("profile:true", "profile_interval:65536"), ("decay_ms:5000",))


class Actor(threading.Thread):
    """One server and its load, from its start to its end."""

    def __init__(self, name, kind, place, soak):
        super().__init__(name=name)
        self.kind, self.place, self.soak = kind, place, soak
        self.numbers = random.Random(f"{soak.seed} {name}")
        self.server = None
        self.ready = False
        self.samples = []
        self.missed = 0

    def run(self):
        try:
            self.server = self.kind(self.name, self.place)
            self.ready = True
            while not self.soak.over():
                self.phases()
            self.ready = False
            self.server.stop()
        except (Fault, OSError, ValueError) as fault:
            self.soak.fault(f"{self.name}: {fault}")
        except Exception as fault:  # a thread would else end with no effect on the status
            self.soak.fault(f"{self.name}: {fault!r}")
        self.ready = False
        self.place.end_all()
        for line in self.place.complaints():
            self.soak.fault(f"{self.name}: {line}")

    def phases(self):
        """Some load, then a quiet point: nothing is left of the load but what the allocator keeps."""
        for _ in range(self.numbers.randrange(1, 4)):
            if self.soak.over():
                break
            self.server.work(self.numbers)
        self.server.settle()
        self.soak.rest(self.soak.quiet_seconds)
        self.sample("quiet")
        self.soak.rest(self.numbers.uniform(0, 2))

    def sample(self, state):
        """One more line of the table; a server that is too busy to answer is asked again later."""
        pid = self.server.pid
        try:
            self.samples.append(
                take_sample(self.place.sockets / str(pid), pid, self.soak.seconds(), state))
        except (OSError, http.client.HTTPException, ValueError):
            self.missed += 1


class Soak:
    """All of it: who runs, until when, and what went wrong."""

    def __init__(self, arguments, top):
        self.seed, self.every, self.quiet_seconds = arguments.seed, arguments.every, arguments.quiet
        self.begun = time.monotonic()
        self.end = self.begun + arguments.seconds
        self.faults = []
        library = pathlib.Path(shutil.copy(arguments.preload, top))  # for users who cannot read the first
        library.chmod(0o755)
        numbers = random.Random(self.seed)
        self.actors = [Actor(name, kind, Place(top / name, library, numbers.choice(OPTIONS)), self)
                       for name, kind in sorted(chosen(arguments.only).items())]
        self.short = ShortPrograms(library, top)

    def seconds(self):
        return time.monotonic() - self.begun

    def over(self):
        return time.monotonic() >= self.end

    def cut_short(self):
        """Ends it now, in the order as at its time."""
        self.end = time.monotonic()

    def rest(self, seconds):
        """Sleeps, but not for long beyond the end."""
        time.sleep(max(0, min(seconds, self.end + 1 - time.monotonic())))

    def fault(self, text):
        self.faults.append(text)
        print(f"{self.seconds():.0f} s: {text}", flush=True)

    def run(self):
        """Everything at once, until the time is over and each server has ended."""
        runner = threading.Thread(target=self.run_short_programs)
        for thread in [*self.actors, runner]:
            thread.start()
        while any(actor.is_alive() for actor in self.actors):
            for actor in self.actors:
                if actor.ready:
                    actor.sample("busy")
            time.sleep(self.every)
        runner.join()

    def run_short_programs(self):
        numbers = random.Random(f"{self.seed} short")
        try:
            while not self.over():
                if fault := self.short.once(numbers):
                    self.fault(fault)
        except Exception as fault:  # as above
            self.fault(f"short programs: {fault!r}")

    def judge(self):
        """What only the whole shows."""
        for actor in self.actors:
            quiet = [sample for sample in actor.samples if sample.state == "quiet"]
            if fault := drift_fault(quiet):
                self.fault(f"{actor.name}: {fault}")
            if not quiet:
                self.fault(f"{actor.name}: never answered at a quiet point")


def chosen(only):
    """{name: class} of the servers to run."""
    found = available()
    for name in only:
        if name not in found:
            sys.exit(f"{name} is not installed, or nothing that soak.py knows: {', '.join(found)}")
    return {name: kind for name, kind in found.items() if not only or name in only}


def write_files(soak, folder):
    folder.mkdir(parents=True, exist_ok=True)
    lines = sorted((sample.seconds, actor.name, sample) for actor in soak.actors
                   for sample in actor.samples)
    with open(folder / "samples.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        for seconds, name, sample in lines:
            writer.writerow([f"{seconds:.1f}", name, *sample[1:]])
    (folder / "chart.svg").write_text(chart({actor.name: actor.samples for actor in soak.actors}))


def report(soak):
    print(f"\nseed {soak.seed}, {soak.seconds():.0f} s\n\n{TABLE_HEAD}")
    for actor in soak.actors:
        options = ",".join(actor.place.options) or "no option"
        quiet = [sample for sample in actor.samples if sample.state == "quiet"]
        print(row(f"{actor.name} ({options})", quiet))
    print(f"\nsamples that got no answer: {sum(actor.missed for actor in soak.actors)}")
    runs = ", ".join(f"{name} {count}" for name, count in soak.short.runs.items())
    print(f"short programs: {sum(soak.short.runs.values())} ({runs})")
    print(f"faults: {len(soak.faults)}")
    for fault in soak.faults:
        print(f"  {fault}")


def arguments_of(words):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preload", metavar="LIBRARY", type=pathlib.Path, help="liblunalloc.so, as built or installed")
    parser.add_argument("--seconds", type=float, default=1800, help="how long (1800)")
    parser.add_argument("--seed", type=int, default=1, help="chooses loads, options and programs (1)")
    parser.add_argument("--every", type=float, default=3, help="seconds between two samples (3)")
    parser.add_argument("--quiet", type=float, default=3, help="seconds before a quiet point (3)")
    parser.add_argument("--only", default="", help="servers with commas between them (all)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("soak"),
                        help="folder for samples.csv and chart.svg (soak)")
    arguments = parser.parse_args(words)
    arguments.only = [name for name in arguments.only.split(",") if name]
    return arguments


def main():
    arguments = arguments_of(sys.argv[1:])
    top = pathlib.Path(tempfile.mkdtemp(prefix="soak-"))
    top.chmod(0o755)
    try:
        soak = Soak(arguments, top)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: soak.cut_short())
        soak.run()
        soak.judge()
        write_files(soak, arguments.out)
        report(soak)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    sys.exit(1 if soak.faults else 0)


if __name__ == "__main__":
    main()
