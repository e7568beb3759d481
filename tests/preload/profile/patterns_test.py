# SPDX-License-Identifier: MIT
"""What a profile says of threads, waves and changes, against what a program does.

Usage: patterns_test.py PART LIBRARY GUEST
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import profile_files

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
ATTEMPTS = 3  # where a machine that is busy may spoil the rhythm


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(folder, part):
    """Runs the guest; returns its profile, the text, and what it says."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF="")
    result = subprocess.run([guest, part, f"{folder}/profile"], env=environment,
                            capture_output=True, text=True, timeout=200, check=False)
    expect(result.returncode == 0 and "done" in result.stdout,
           f"the guest ended with {result.returncode}: {result.stdout}{result.stderr}")
    profile = profile_files.JsonProfile(f"{folder}/profile.json", guest)
    return profile, pathlib.Path(f"{folder}/profile.txt").read_text(), result.stdout


def site_numbers(profile, function):
    """Where the sites of a function stand in the list of all."""
    found = profile.sites(function)
    return {index for index, site in enumerate(profile.text["sites"]) if site in found}


def pairs(folder):
    """600 blocks of 1000 bytes went from the producer to the consumer."""
    profile, text, _ = run(folder, "pairs")
    patterns = profile.text["patterns"]
    names = {thread["number"]: thread["name"] for thread in patterns["threads"]}
    # Threads that lived one after the other at one address are told apart; they took the
    # guest's name.
    expect(sorted(names.values()).count("patterns_guest") >= 21, f"threads: {names}")
    found = [pair for pair in patterns["thread_pairs"]
             if (names[pair["from"]], names[pair["to"]]) == ("producer", "consumer")]
    expect(len(found) == 1, f"pairs: {patterns['thread_pairs']} of {names}")
    expect((found[0]["objects"], found[0]["bytes"]) == (600, 600_000), f"pair: {found}")
    expect(patterns["merged_pairs"] == 0, "pairs were merged")
    freed = patterns["freed_bytes"]
    total = sum(site["freed"]["bytes"] for site in profile.text["sites"])
    expect(freed["by_others"] >= 600_000 and freed["unknown"] == 0, f"freed: {freed}")
    expect(abs(sum(freed.values()) - total) <= 3, f"freed: {freed}, not {total}")
    elsewhere = {site["site"]: site["bytes"] for site in patterns["freed_by_others"]}
    for function, expected in (("produce", 600_000), ("keep_to_oneself", 0)):
        sites = site_numbers(profile, function)
        expect(sites and sum(elsewhere.get(site, 0) for site in sites) == expected,
               f"{function}: {elsewhere}")
    expect(re.search(r"\(producer, tid \d+\) to thread \d+ \(consumer, tid \d+\): 585.9 KiB in"
                     r" 600 objects", text), text)


def waves(folder):
    """One wave in 50 ms, of 5 MB."""
    for _ in range(ATTEMPTS):
        profile, text, output = run(folder, "waves")
        true_period = int(re.search(r"period (\d+)", output)[1])
        found = profile.text["patterns"]["waves"]
        if found and abs(found["period_ns"] - true_period) < true_period / 10:
            expect(2_000_000 < found["swing_bytes"] < 8_000_000, f"swing: {found}")
            expect("Live bytes go in waves" in text, text)
            return
    sys.exit(f"failed: {found}, not {true_period} ns")


def rates(folder):
    """One site changes, the other does not."""
    for _ in range(ATTEMPTS):
        profile, text, _ = run(folder, "rates")
        found = {}
        for anomaly in profile.text["patterns"]["anomalies"]:
            if anomaly["of"] == "bytes_per_second":
                found[anomaly["site"]] = anomaly
        steady = site_numbers(profile, "stay_steady")
        changed = [found[site] for site in site_numbers(profile, "change_rate") if site in found]
        if changed and not steady & found.keys():
            expect(changed[0]["now"] > 4 * changed[0]["before"], f"rates: {changed}")
            expect(changed[0]["samples"] + changed[0]["samples_before"] == 1800,
                   f"samples: {changed}")
            expect(re.search(r"rate \d+ x its own past: .*/s in the last", text), text)
            return
    sys.exit(f"failed: rates: {found}, {text}")


PARTS = {part.__name__: part for part in (pairs, waves, rates)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
