# SPDX-License-Identifier: MIT
"""Profiles that the library writes by itself, how many, and how often it takes samples.

Usage: dumps_test.py PART LIBRARY GUEST
"""
import glob
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import profile_files

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
MIB = 1 << 20


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(part, folder, conf):
    """Runs a part of the guest; returns what it says on stdout and stderr."""
    conf = f"profile_format:json,profile_file:{folder}/%e.%n,{conf}"
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, part, folder], env=environment, capture_output=True,
                            text=True, timeout=200, check=False)
    if result.returncode or "done" not in result.stdout:
        sys.exit(f"failed: {part} with {conf!r} ended with {result.returncode}:"
                 f" {result.stdout}{result.stderr}")
    return result.stdout, result.stderr


def written(folder):
    """The profiles with names of the library's making, in order."""
    return [profile_files.JsonProfile(path, guest)
            for path in sorted(glob.glob(f"{folder}/dumps_guest.*.json"))]


def live(profile):
    """The bytes that lived, in MiB."""
    return profile.text["live"]["bytes"] / MIB


def widened(folder):
    """Deep stacks and nothing but allocations: the interval is widened, and estimates hold."""
    said, _ = run("mad", folder, "profile:true,profile_interval:8192")
    calls, interval = map(int, re.search(r"calls (\d+) interval (\d+)", said).groups())
    found = profile_files.JsonProfile(f"{folder}/mad.json", guest)
    text = found.text
    expect(interval > 8192 and text["interval_bytes"] == interval, f"interval {interval}")
    expect(text["asked_interval_bytes"] == 8192, "what was asked for")
    expect(text["intervals_widened"] >= 1, "never widened")
    expect(0 < text["sampling_ns"] < text["measured_cpu_ns"], "no share")
    # No sample stands for fewer bytes than the widest interval: the bound of the deviation.
    objects, _ = found.amounts("churn_deep", "allocated")
    deviation = (calls / (4096 / interval)) ** 0.5
    expect(abs(objects - calls) < 5 * deviation,
           f"{objects} objects estimated of {calls}, deviation {deviation}")


def uncapped(folder):
    """Every block is every block, and 0 is no cap."""
    for number, conf in enumerate(("profile_interval:1",
                                   "profile_interval:8192,profile_cpu_percent:0")):
        said, _ = run("mad", folder, f"profile:true,{conf}")
        calls, interval = map(int, re.search(r"calls (\d+) interval (\d+)", said).groups())
        found = profile_files.JsonProfile(f"{folder}/mad.json", guest)
        expect(interval == (1, 8192)[number], f"{conf}: interval {interval}")
        expect(found.text["intervals_widened"] == 0, f"{conf}: widened")
        if number == 0:
            expect(found.amounts("churn_deep", "allocated")[0] == calls, "not every block")


def signal(folder):
    """Each signal is followed by a profile, of what lives by then."""
    _, errors = run("raise", folder, "profile:true,profile_interval:1,profile_signal:10")
    expect(errors == "", errors)
    profiles = written(folder)
    expect(len(profiles) == 3, f"{os.listdir(folder)}")
    objects = [profile.amounts("keep_some", "live")[0] for profile in profiles]
    expect(objects == [1, 2001, 4001], f"{objects} blocks")


def small_stack(folder):
    """So it is in a thread with the smallest stack."""
    for form in ("json", "text", "pprof"):
        _, errors = run("small", folder, f"profile:true,profile_interval:1,profile_signal:10,"
                        f"profile_format:{form},profile_kind:heap")
        expect(errors == "", errors)
    expect(len(os.listdir(folder)) == 9, f"{os.listdir(folder)}")


def growth(folder):
    """Whenever so much more lives than at the last one."""
    run("grow", folder, "profile:true,profile_interval:1,profile_growth_mib:20")
    found = [round(live(profile)) for profile in written(folder)]
    expect(found == [32, 64], f"{found} MiB")


def peak(folder):
    """At a peak that is so much above the last, and at no lower one."""
    run("grow", folder, "profile:true,profile_interval:1,profile_peak_percent:40")
    found = [round(live(profile)) for profile in written(folder)]
    expect(found == [32, 48], f"{found} MiB")


def caps(folder):
    """No more files than that, nor bytes; said once, and not to who names his file."""
    conf = "profile:true,profile_interval:1,profile_signal:10"
    _, errors = run("raise", folder, f"{conf},profile_max_files:1")
    expect(errors.count("no more profiles are written") == 1, errors)
    expect(len(written(folder)) == 1, f"{os.listdir(folder)}")
    pathlib.Path(folder, "sub").mkdir()
    _, errors = run("raise", f"{folder}/sub", f"{conf},profile_max_mib:0")
    expect(errors.count("no more profiles are written") == 1, errors)
    expect(not written(f"{folder}/sub"), f"{os.listdir(folder)}")
    _, errors = run("explicit", folder, "profile:true,profile_max_files:2,profile_at_exit:true")
    expect(errors.count("no more profiles are written") == 1, errors)
    expect(os.path.exists(f"{folder}/mine.json"), "no file where the program wants it")
    expect(len(glob.glob(f"{folder}/*.txt")) == 2, f"{os.listdir(folder)}")


def forked(folder):
    """A child has a quota of its own."""
    run("fork", folder, "profile:true,profile_interval:1,profile_signal:10,profile_max_files:3,"
        f"profile_file:{folder}/dumps_guest.%p.%n")
    expect(len(written(folder)) == 6, f"{os.listdir(folder)}")


def refused(folder):
    """What makes no sense is said."""
    for number in (9, 11, 4711):
        _, errors = run("nothing", folder, f"profile:true,profile_signal:{number}")
        expect("profile_signal" in errors and "it is ignored" in errors, errors)
    _, errors = run("raise", folder, "profile_signal:10")
    expect(errors.count("no profile was written: No such file") == 3, errors)
    _, errors = run("raise", folder, "profile:true,profile_signal:10,profile_kind:growth,"
                    "profile_format:heap_v2")
    expect(errors.count("profile_kind") == 1, errors)
    _, errors = run("raise", folder, f"profile:true,profile_signal:10,profile_file:{folder}/no/%p")
    expect(errors.count("no profile was written") == 3, errors)
    expect(os.listdir(folder) == [], f"{os.listdir(folder)}")


def statistics(folder):
    """What the tables take."""
    _, errors = run("statistics", folder, "profile_memory:1")
    expect(re.search(r"  profiler    \S+ [KM]iB of tables, of \S+ [KM]iB reserved\n", errors), errors)
    expect(re.search(r"  samples     \d+ live of \d+ sites, \d+ dropped\n", errors), errors)


PARTS = {part.__name__: part for part in (widened, uncapped, signal, small_stack, growth, peak, caps,
                                          forked, refused, statistics)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
