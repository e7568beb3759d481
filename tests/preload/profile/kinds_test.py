# SPDX-License-Identifier: MIT
"""Each kind of profile, against what a program is known to do.

Usage: kinds_test.py PART LIBRARY GUEST
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import profile_files

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
FUNCTIONS = ("keep_long", "keep_more", "make_temporary", "hold_briefly")
HOLD_NS = 20_000_000  # that the guest waits at least
FOREVER_US = 10 ** 15


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def expect_equal(found, expected, what):
    """Fails unless they are the same."""
    expect(found == expected, f"{what}: {found}, not {expected}")


def run(folder, conf):
    """Runs the guest; returns what it says on stderr."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, folder], env=environment, capture_output=True,
                            text=True, timeout=200, check=False)
    if result.returncode or "done" not in result.stdout:
        sys.exit(f"failed: with {conf!r} it ended with {result.returncode}:"
                 f" {result.stdout}{result.stderr}")
    return result.stderr


def read_json(folder, kind="heap"):
    """The profile of a kind as JSON."""
    profile = profile_files.JsonProfile(f"{folder}/{kind}.json", guest)
    expect_equal(profile.text["kind"], kind, "kind")
    expect_equal(profile.text["dropped_samples"], 0, "dropped")
    return profile


def sums(profile, function, *keys):
    """The sum over the sites of a function of what lies under the keys; of lists, as a list."""
    found = []
    for site in profile.sites(function):
        for key in keys:
            site = site[key]
        found.append(site)
    if found and isinstance(found[0], list):
        return [sum(parts) for parts in zip(*found, strict=True)]
    return sum(found)


def json(folder):
    """All is known, whatever was asked for."""
    run(folder, f"profile_temporary_us:{FOREVER_US}")
    for kind in ("heap", "peak", "growth", "lifetimes", "temporary"):
        check_amounts(read_json(folder, kind))
    check_lifetimes(read_json(folder))
    check_sizes(read_json(folder))


def check_amounts(profile):
    """Objects and bytes of each function."""
    expected = {
        "live": ((60, 60000), (30, 15000), (0, 0), (0, 0)),
        "allocated": ((100, 100000), (30, 15000), (300, 60000), (50, 500000)),
        "peak": ((100, 100000), (0, 0), (0, 0), (50, 500000)),
        "freed": ((40, 40000), (0, 0), (300, 60000), (50, 500000)),
        "temporary": ((40, 40000), (0, 0), (300, 60000), (50, 500000)),
    }
    for kind, amounts in expected.items():
        for function, amount in zip(FUNCTIONS, amounts, strict=True):
            expect_equal(profile.amounts(function, kind), amount, f"{kind} of {function}")
    growth = {"keep_long": (0, 0, -40, -40000), "keep_more": (30, 15000, 30, 15000),
              "make_temporary": (0, 0, 0, 0), "hold_briefly": (0, 0, 0, 0)}
    for function, amounts in growth.items():
        found = tuple(sums(profile, function, "growth", key) for key in
                      ("allocated_objects", "allocated_bytes", "live_objects", "live_bytes"))
        expect_equal(found, amounts, f"growth of {function}")


def check_lifetimes(profile):
    """What was held has lived at least as long as the guest waited."""
    first = sum(bound <= HOLD_NS for bound in profile.text["lifetime_bounds_ns"])
    for function, objects, is_old in (("keep_long", 40, True), ("hold_briefly", 50, True),
                                      ("make_temporary", 300, False)):
        histogram = sums(profile, function, "freed", "lifetimes")
        expect_equal(len(histogram), len(profile.text["lifetime_bounds_ns"]) + 1, "buckets")
        expect_equal(sum(histogram), objects, f"histogram of {function}")
        if is_old:
            expect_equal(sum(histogram[first:]), objects, f"old blocks of {function}")
            lifetime = sums(profile, function, "freed", "lifetime_ns")
            expect(lifetime >= objects * HOLD_NS, f"{function}: {lifetime} ns")


def check_sizes(profile):
    """Every block has the size that was asked for."""
    bounds = profile.text["size_bounds"]
    for function, objects, bound in (("keep_long", 100, 1024), ("keep_more", 30, 512),
                                     ("make_temporary", 300, 256), ("hold_briefly", 50, 16384)):
        expected = [objects if size == bound else 0 for size in bounds] + [0]
        expect_equal(sums(profile, function, "sizes"), expected, f"sizes of {function}")


def limit(folder):
    """What lives longer than the limit is not temporary."""
    run(folder, "profile_temporary_us:10000")
    profile = read_json(folder)
    expect_equal(profile.text["temporary_ns"], 10_000_000, "limit")
    for function in ("keep_long", "keep_more", "hold_briefly"):
        expect_equal(profile.amounts(function, "temporary"), (0, 0), f"temporary of {function}")


def pprof(folder):
    """The types of the values are those of the kind, and the values those of JSON."""
    run(folder, f"profile_temporary_us:{FOREVER_US}")
    in_json = read_json(folder)
    heap = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]
    expected = {
        "heap": (heap, ((100, 100000, 60, 60000), (30, 15000) * 2, (300, 60000, 0, 0),
                        (50, 500000, 0, 0))),
        "peak": (heap[2:], ((100, 100000), (0, 0), (0, 0), (50, 500000))),
        "growth": (heap, ((0, 0, -40, -40000), (30, 15000) * 2, (0,) * 4, (0,) * 4)),
        "temporary": (heap[:2], ((40, 40000), (0, 0), (300, 60000), (50, 500000))),
        "lifetimes": (["freed_objects", "freed_space", "lifetime"],
                      [(*in_json.amounts(function, "freed"),
                        sums(in_json, function, "freed", "lifetime_ns"))
                       for function in FUNCTIONS]),
    }
    for kind, (types, values) in expected.items():
        profile = profile_files.PprofProfile(f"{folder}/{kind}.pb.gz")
        expect_equal(profile.types, types, f"types of {kind}")
        for function, amounts in zip(FUNCTIONS, values, strict=True):
            expect_equal(tuple(profile.values(in_json.name, function)), amounts,
                         f"{kind} of {function}")


def folded(path):
    """The number of each function, by the innermost frame."""
    numbers = dict.fromkeys(FUNCTIONS, 0)
    for line in pathlib.Path(path).read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        expect(int(number) > 0, f"{path}: {line}")
        module, _, offset = stack.rpartition(";")[2].partition("+")
        if module == os.path.basename(guest):
            function = profile_files.function_at(guest, int(offset, 16))
            numbers[function] = numbers.get(function, 0) + int(number)
    return tuple(numbers[function] for function in FUNCTIONS)


def texts(folder):
    """The other formats say the same, and those that do not know a kind leave nothing behind."""
    run(folder, f"profile_temporary_us:{FOREVER_US}")
    expect_equal(folded(f"{folder}/heap.folded"), (60000, 15000, 0, 0), "heap.folded")
    expect_equal(folded(f"{folder}/peak.folded"), (100000, 0, 0, 500000), "peak.folded")
    expect_equal(folded(f"{folder}/growth.folded"), (0, 15000, 0, 0), "growth.folded")
    expect_equal(folded(f"{folder}/temporary.folded"), (40000, 0, 60000, 500000),
                 "temporary.folded")
    held = folded(f"{folder}/lifetimes.folded")[3]
    expect(held >= 500000 * HOLD_NS // 10 ** 6, f"{held} byte-milliseconds held")
    peak = pathlib.Path(f"{folder}/peak.heap").read_text()
    expect(re.search(r"t\*: 50: \d+ \[50: ", peak), "no peak for jeprof")
    expect_equal(sorted(name for name in os.listdir(folder) if name.endswith(".heap")),
                 ["heap.gperftools.heap", "heap.heap", "peak.gperftools.heap", "peak.heap"],
                 "texts of others")
    for kind, head in (("heap", "Heap profile"), ("peak", "Profile of the peak"),
                       ("growth", "Profile of the growth"), ("lifetimes", "Profile of lifetimes"),
                       ("temporary", "Profile of temporary blocks")):
        text = pathlib.Path(f"{folder}/{kind}.txt").read_text()
        expect(text.startswith(head) and "kinds_guest" in text, f"{kind}.txt: {text}")


def options(folder):
    """The kind of the profile at the exit is an option."""
    conf = (f"profile:true,profile_interval:1,profile_at_exit:true,"
            f"profile_file:{folder}/exit,profile_kind:")
    expect_equal(run(folder, f"{conf}peak,profile_format:json"), "", "on stderr")
    expect_equal(profile_files.JsonProfile(f"{folder}/exit.json", guest).text["kind"], "peak",
                 "kind")
    expect("profile_format knows heap and peak" in run(folder, f"{conf}growth,profile_format:heap_v2"),
           "growth for jeprof is not refused")
    expect(not os.path.exists(f"{folder}/exit.heap"), "growth for jeprof")
    expect("wants heap, peak, growth" in run(folder, f"{conf}size"), "kind size is not refused")


PARTS = {part.__name__: part for part in (json, limit, pprof, texts, options)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
