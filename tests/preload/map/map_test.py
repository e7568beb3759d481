# SPDX-License-Identifier: MIT
"""Maps of the pages of programs whose heap is known: what adds up in them, and what the statistics
and the kernel say of the same pages.

Usage: map_test.py PART LIBRARY GUEST
"""
import collections
import fcntl
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "stats"), str(HERE.parent / "server"), str(HERE.parent)]
import guest as served
import huge_pages_test
import process_memory

library, guest = map(os.path.abspath, sys.argv[2:4])
KIB, MIB = 1 << 10, 1 << 20
USES = ("slab", "spare", "large", "kept", "dirty", "retained")
POOL_PAGES = 30


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


class Guest:
    """A part of the guest, which waits at its end. `with` lets it go on."""

    def __init__(self, part, folder, conf=""):
        self.folder = pathlib.Path(folder)
        environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
        self.process = subprocess.Popen([guest, part, folder], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        expect(self.process.stdout.readline() == "ready\n", "the guest ended early")
        return self

    def __exit__(self, *_):
        self.process.stdin.write("\n")
        self.process.stdin.close()
        expect(self.process.wait() == 0, f"the guest ended with {self.process.returncode}")

    def map(self, name="map.json"):
        """One that adds up."""
        return check_map(json.loads((self.folder / name).read_text()))

    def stats(self):
        """The statistics of the same moment."""
        return json.loads((self.folder / "stats.json").read_text())


def check_map(text):
    """What adds up in any map."""
    expect((text["format"], text["version"], text["complete"]) == ("lunalloc map", 1, True), "head")
    expect(text["page_bytes"] == 4096 and text["region_bytes"] == 2 * MIB, "pages")
    sums = {use: [0, 0] for use in USES}
    used_bytes = 0
    for region in text["regions"]:
        runs = region["runs"]
        pages = sum(run[1] for run in runs)
        expect(pages * 4096 == region["bytes"], f"{region['address']} has {pages} pages")
        expect(sum(run[2] for run in runs) * 4096 == region["resident_bytes"], "resident")
        expect(int(region["address"], 16) % (2 * MIB) == 0, region["address"])
        expect(region["kind"] in ("shared", "free", "span", "huge"), region["kind"])
        expect(region["huge"] in ("plain", "huge", "collapsing", "hugetlb"), region["huge"])
        for run in runs:
            expect(run[1] > 0 and run[2] <= run[1], f"{run}")
            sums[run[0]][0] += run[1]
            sums[run[0]][1] += run[2]
            if run[0] == "slab":
                expect(len(run) == 6 and run[4] <= run[5] <= run[1] * 4096 // run[3], f"{run}")
                used_bytes += run[3] * run[4]
            else:
                expect(len(run) == 3, f"{run}")
        for before, after in zip(runs, runs[1:]):
            expect(before[0] != after[0] or before[0] not in ("dirty", "retained"), "not joined")
    totals = text["totals"]
    told = {use: [totals[use]["pages"], totals[use]["resident_pages"]] for use in USES}
    expect(told == sums, f"{told} are {sums}")
    expect(totals["regions"] == len(text["regions"]), "regions")
    expect(totals["bytes"] == sum(region["bytes"] for region in text["regions"]), "bytes")
    expect(totals["resident_bytes"] == sum(resident for _, resident in sums.values()) * 4096, "sum")
    expect(totals["used_block_bytes"] == used_bytes, "blocks")
    return text


def check_statistics(text, stats):
    """Quiet: each number is that of the statistics."""
    totals, found = text["totals"], stats["totals"]
    for use, name in (("slab", "slab_bytes"), ("spare", "spare_slab_bytes"), ("kept", "kept_bytes"),
                      ("dirty", "dirty_bytes"), ("retained", "retained_bytes")):
        expect(totals[use]["pages"] * 4096 == found[name], f"{use}: {totals[use]} {found}")
    live = totals["large"]["pages"] * 4096 + totals["used_block_bytes"]
    expect(live == found["live_bytes"] + found["thread_cache_bytes"], f"live {live}: {found}")
    expect(totals["bytes"] == found["committed_bytes"], f"bytes {totals}: {found}")
    expect(totals["reserved_bytes"] == found["reserved_bytes"], f"reserved {totals}: {found}")
    for use in USES:
        name = f"resident_{use}_bytes"
        expect(totals[use]["resident_pages"] * 4096 == stats["resident"][name], f"{use}: {stats}")
    classes = collections.defaultdict(lambda: [0, 0])
    for region in text["regions"]:
        for run in region["runs"]:
            if run[0] == "slab":
                classes[run[3]][0] += 1
                classes[run[3]][1] += run[4]
    rows = {row["block_bytes"]: [row["slabs"], row["used_blocks"]] for row in stats["classes"]}
    expect(dict(classes) == rows, f"{dict(classes)} are not {rows}")


def check_places(text, stats):
    """Regions do not overlap, and lie where the statistics say; so do the tables."""
    places = sorted((int(region["address"], 16), region["bytes"]) for region in text["regions"])
    for (begin, size), (after, _) in zip(places, places[1:]):
        expect(begin + size <= after, f"{begin:x} reaches beyond {after:x}")
    own = [(int(row["begin"], 16), int(row["end"], 16), row["kind"]) for row in stats["own_mappings"]]
    for begin, size in places:
        expect(any(first <= begin and begin + size <= last and kind in ("arena", "huge")
                   for first, last, kind in own), f"{begin:x} is in no arena")
    tables = {(int(row["address"], 16), row["bytes"], row["kind"]) for row in text["tables"]}
    told = {(first, last - first, kind) for first, last, kind in own
            if kind not in ("arena", "huge")}
    expect(tables == told, f"tables {tables ^ told}")


def check_kernel(text, process):
    """Resident is what /proc/PID/pagemap says; huge what smaps says of the same mappings."""
    ranges = [(int(region["address"], 16), int(region["address"], 16) + region["bytes"])
              for region in text["regions"]]
    resident = process_memory.resident_pages(process.pid, ranges)
    expect(text["totals"]["resident_bytes"] == resident, f"{resident}: {text['totals']}")
    huge = 0
    smaps = pathlib.Path(f"/proc/{process.pid}/smaps").read_text()
    for match in re.finditer(r"^([0-9a-f]+)-([0-9a-f]+) .*\n((?:[A-Z].*\n)*)", smaps, re.M):
        begin, end = int(match[1], 16), int(match[2], 16)
        if any(begin < last and first < end for first, last in ranges):
            huge += sum(int(amount) * KIB for amount in re.findall(
                r"^(?:AnonHugePages|Private_Hugetlb):\s+(\d+) kB", match[3], re.M))
    told = text["totals"]["huge_bytes"]
    expect(told in (None, huge), f"{told} in huge pages, by smaps {huge}")
    expect(told == sum(region["huge_bytes"] or 0 for region in text["regions"]) or told is None,
           "huge pages of regions")


def check_all(running):
    """A map of a quiet process."""
    text, stats = running.map(), running.stats()
    check_statistics(text, stats)
    check_places(text, stats)
    check_kernel(text, running.process)
    return text


def quiet(folder):
    """Blocks of all sizes, named heaps, and one block above 1 GiB."""
    with Guest("quiet", folder) as running:
        text = check_all(running)
    heaps = collections.defaultdict(collections.Counter)
    for region in text["regions"]:
        expect((region["heap"] is None) == (region["heap_number"] is None), "heap_number")
        for run in region["runs"]:
            heaps[region["heap"]][run[0]] += run[1]
    expect(set(heaps) == {None, "cache", 'a "quoted" name'}, f"heaps {set(heaps)}")
    for name in ("cache", 'a "quoted" name'):
        expect(heaps[name]["slab"] * 4096 >= 2_000_000, f"slabs of {name}")
        expect(heaps[name]["large"] * 4096 == 3 * MIB, f"large blocks of {name}")
    huge = [region for region in text["regions"] if region["kind"] == "huge"]
    expect(len(huge) == 1 and huge[0]["bytes"] == 1100 * MIB, f"{huge}")
    expect(3 * MIB <= huge[0]["resident_bytes"] < 6 * MIB, f"{huge}")
    spans = [region["bytes"] for region in text["regions"] if region["kind"] == "span"]
    expect(sorted(spans) == [2 * MIB, 2 * MIB, 4 * MIB], f"{spans}")
    expect(text["totals"]["kept"]["pages"] > 0 and text["totals"]["dirty"]["pages"] > 0, "free")
    run = [run for region in text["regions"] for run in region["runs"]
           if run[0] == "slab" and run[3] == 112]
    expect(sum(row[4] for row in run) >= 20_000, f"{run}")


def huge_pages(folder):
    """Regions that the kernel backs by huge pages."""
    with huge_pages_test.Mode("madvise"), Guest("huge_pages", folder, "huge_pages_above:8") as running:
        text = check_all(running)
    asked = [region for region in text["regions"] if region["huge"] == "huge"]
    if not asked:
        huge_pages_test.skip("the kernel gives no huge pages here")
    if text["totals"]["huge_bytes"] is not None:
        backed = [region for region in asked if region["huge_bytes"] == region["bytes"]]
        expect(backed, f"no region is backed by huge pages: {text['totals']}")


def pool(folder):
    """Regions of the kernel's pool."""
    try:
        with open(huge_pages_test.POOL / "free_hugepages", encoding="ascii") as free:
            fcntl.flock(free, fcntl.LOCK_EX)
            size = huge_pages_test.POOL / "nr_hugepages"
            before = int(size.read_text())
            size.write_text(str(before + POOL_PAGES))
            try:
                if int(free.read()) < POOL_PAGES:
                    huge_pages_test.skip("the kernel's pool cannot be filled")
                with Guest("huge_pages", folder, "hugetlb:2m") as running:
                    text = check_all(running)
            finally:
                size.write_text(str(before))
    except OSError as error:
        huge_pages_test.skip(f"the kernel's pool of huge pages cannot be set ({error})")
    of_pool = [region for region in text["regions"] if region["huge"] == "hugetlb"]
    size = sum(region["bytes"] for region in of_pool)
    expect(size >= POOL_PAGES * 2 * MIB, f"only {size} bytes are of the pool")
    for region in of_pool:
        expect(region["huge_bytes"] in (None, region["bytes"]), f"{region}")


def busy(folder):
    """While others allocate each region is whole; afterwards everything agrees."""
    with Guest("busy", folder) as running:
        for number in range(50):
            running.map(f"map.{number}.json")
        check_all(running)


def fork(folder):
    """Children that were made in the middle of it can do it too."""
    with Guest("fork", folder) as running:
        for number in range(30):
            expect(running.map(f"child.{number}.json")["totals"]["bytes"] > 0, "an empty map")


def slow_reader(folder):
    """Who reads slowly holds nobody up."""
    with Guest("slow_reader", folder) as running:
        text = running.map()
    expect((running.folder / "map.json").stat().st_size > 100 * KIB, "a pipe held all of it")
    expect(text["totals"]["large"]["pages"] * 4096 >= 2000 * 100_000, "large blocks")


def calls(folder):
    """Errors are told, errno is kept, no file stays open."""
    with Guest("calls", folder) as running:
        running.map()


def at_exit(folder):
    """Written under the name of profiles, for its owner alone."""
    conf = f"map_at_exit:true,profile_file:{folder}/%e.%p"
    with Guest("exit", folder, conf) as running:
        name = f"map_guest.{running.process.pid}.map.json"
        expect(not list(running.folder.iterdir()), "something was written before")
    text = running.map(name)
    expect([path.name for path in running.folder.iterdir()] == [name], "something else is there")
    expect(stat.S_IMODE((running.folder / name).stat().st_mode) == 0o600, "others may read it")
    expect(text["totals"]["used_block_bytes"] > 100_000, f"{text['totals']}")


def socket(_):
    """GET /debug/map, and nothing else."""
    with served.Guest(library) as running:
        running.tell("kept.append(bytes(10_000_000))")
        status, fields, body = served.ask(running.path, "/debug/map")
        expect(status == 200 and fields["content-type"].startswith("application/json"), fields)
        text = check_map(json.loads(body))
        expect(text["totals"]["large"]["pages"] * 4096 >= 10_000_000, f"{text['totals']}")
        kinds = {table["kind"] for table in text["tables"]}
        expect("telemetry" in kinds, "the server's table is missing")
        expect(served.ask(running.path, "/debug/map", "PUT", b"x")[0] == 405, "PUT")
        expect(b"GET /debug/map " in served.ask(running.path, "/")[2], "the index")


def main():
    # Whoever ends the test leaves the kernel's mode and its pool as they were.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = (quiet, huge_pages, pool, busy, fork, slow_reader, calls, at_exit, socket)
    with tempfile.TemporaryDirectory(prefix="lunalloc_map_") as folder:
        {function.__name__: function for function in parts}[sys.argv[1]](folder)


if __name__ == "__main__":
    main()
