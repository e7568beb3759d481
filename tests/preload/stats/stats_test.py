# SPDX-License-Identifier: MIT
"""Statistics of programs whose heap is known, held against it and against the kernel.

Usage: stats_test.py PART LIBRARY GUEST DOCUMENT
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import process_memory

library, guest, document = (os.path.abspath(path) for path in sys.argv[2:])
KIB, MIB = 1 << 10, 1 << 20
SMALL, MIDDLE, LARGE = 200_000 * 48, 10_000 * 1024, 20 * 3 * MIB


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def start(part, folder, conf=""):
    """Starts a part of the guest."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    return subprocess.Popen([guest, part, folder], env=environment, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def wait_for(process, line):
    """The lines up to the one that says so; the guest waits then."""
    lines = []
    for text in process.stdout:
        if text.strip() == line:
            return lines
        lines.append(text.strip())
    sys.exit(f"failed: the guest ended before {line}: {lines}, {process.wait()}")


def go_on(process):
    """Lets the guest go on."""
    process.stdin.write("\n")
    process.stdin.flush()


def finish(process):
    """Lets the guest end."""
    go_on(process)
    wait_for(process, "done")
    expect(process.wait() == 0, "the guest failed")


def read(path):
    """A file of JSON, whose sums are right."""
    text = json.loads(pathlib.Path(path).read_text())
    check_sums(text)
    check_document(text)
    return text


def check_sums(text):
    """What adds up according to docs/statistics.md."""
    totals, found, sums = text["totals"], text["resident"], text["reconciliation"]
    committed = sum(totals[name] for name in (
        "live_bytes", "thread_cache_bytes", "spare_slab_bytes", "slab_free_bytes",
        "slab_uncut_bytes", "kept_bytes", "dirty_bytes", "retained_bytes"))
    expect(committed == totals["committed_bytes"], f"committed {committed}: {totals}")
    expect(totals["live_bytes"] == totals["small_bytes"] + totals["large_bytes"], "live bytes")
    expect(totals["live_blocks"] == totals["small_blocks"] + totals["large_blocks"], "live blocks")
    expect(sums["resident_bytes"] == sum(found.values()), "resident")
    expect(sums["sure_bytes"] <= sums["accounted_bytes"], "sure")
    expect(sums["unaccounted_bytes"] == sums["resident_bytes"] - sums["accounted_bytes"],
           "unaccounted")
    ratio = abs(sums["unaccounted_bytes"]) / sums["resident_bytes"]
    expect(abs(ratio - sums["unaccounted_ratio"]) < 0.0001, "unaccounted_ratio")
    classes = text["classes"]
    used = sum(row["used_blocks"] * row["block_bytes"] for row in classes)
    expect(sum(row["slabs"] for row in classes) == totals["slabs"], "slabs of classes")
    expect(used == sum(row["used_bytes"] for row in text["threads"]), "used by threads")
    expect(sum(row["cached_bytes"] for row in text["threads"]) == totals["thread_cache_bytes"],
           "cached by threads")
    expect(sum(row["resident_bytes"] for row in text["not_ours"]) == sums["not_ours_bytes"],
           "not ours")


def check_document(text):
    """Each key is told of."""
    page = pathlib.Path(document).read_text()
    for name, section in text.items():
        rows = section[:1] if isinstance(section, list) else [section]
        keys = [name] + [key for row in rows if isinstance(row, dict) for key in row]
        for key in keys:
            expect(f"`{key}`" in page, f"{key} is not documented")


def check_kernel(text, pid):
    """The kernel agrees, to 2 % and 64 KiB."""
    sums = text["reconciliation"]
    ranges = [(int(row["begin"], 16), int(row["end"], 16)) for row in text["own_mappings"]]
    resident = process_memory.resident_pages(pid, ranges)
    room = resident * 0.02 + 64 * KIB
    told = {"pagemap": resident, **sums}
    expect(abs(sums["accounted_bytes"] - resident) <= room, f"accounted: {told}")
    expect(abs(sums["resident_bytes"] - resident) <= 64 * KIB, f"resident: {told}")
    # What the snapshot itself takes while it is taken is gone by now.
    rollup = process_memory.rollup(pid)
    both = sums["resident_bytes"] + sums["not_ours_bytes"]
    expect(abs(sums["process_resident_bytes"] - rollup) <= 512 * KIB, f"rollup {rollup}: {told}")
    # Pages that were only ever read are not in Rss.
    expect(abs(both - sums["process_resident_bytes"]) <= 256 * KIB, f"the whole: {told}")


def moments(folder):
    """While it grows, at its peak, and with half of it freed."""
    process = start("moments", folder)
    found = {}
    for name in ("load", "peak", "after"):
        wait_for(process, name)
        found[name] = read(f"{folder}/{name}.json")
        check_kernel(found[name], process.pid)
        if name != "after":
            go_on(process)
    finish(process)
    live = {name: text["totals"]["live_bytes"] for name, text in found.items()}
    whole = SMALL + MIDDLE + LARGE
    expect(0 <= live["load"] - whole // 2 < MIB, f"live {live}")
    expect(0 <= live["peak"] - whole - 64 * MIB < MIB, f"live {live}")
    expect(0 <= live["after"] - (SMALL + MIDDLE) // 2 < MIB, f"live {live}")
    resident = found["peak"]["resident"]
    expect(resident["resident_large_bytes"] < LARGE + MIB, "nobody touched 64 MiB of it")
    after = found["after"]["totals"]
    expect(after["thread_cache_bytes"] + after["slab_free_bytes"] > (SMALL + MIDDLE) * 0.4, "free")
    rows = {row["block_bytes"]: row for row in found["peak"]["classes"]}
    expect(rows[48]["used_blocks"] >= 200_000 and rows[48]["fullness"] > 0.95, f"class {rows[48]}")


def threads(folder):
    """Each thread has a row."""
    process = start("threads", folder)
    said = wait_for(process, "waiting")
    while len(said) < 4:
        said.append(process.stdout.readline().strip())
    go_on(process)
    wait_for(process, "threads")
    rows = read(f"{folder}/threads.json")["threads"]
    by_thread = {row["thread"]: row for row in rows}
    for line in said:
        row = by_thread[int(line.split()[1])]
        expect(row["used_bytes"] >= 1000 * 512 and row["refills"] > 0, f"thread {row}")
    expect(process.pid in by_thread, "the first thread")
    finish(process)


def requested(folder):
    """What was asked for is known with samples, and not without."""
    for conf, known in ("profile:true,profile_interval:4096", True), ("profile:false", False):
        process = start("requested", folder, conf)
        wait_for(process, "requested")
        totals = read(f"{folder}/requested.json")["totals"]
        finish(process)
        if not known:
            expect(totals["requested_bytes"] is None and totals["class_slack_bytes"] is None, conf)
            continue
        share = totals["requested_bytes"] / totals["live_bytes"]
        expect(0.87 < share < 0.93, f"share {share}")
        expect(totals["requested_bytes"] + totals["class_slack_bytes"] == totals["live_bytes"],
               "slack")


def check_metrics(text, strict):
    """Families of one kind each, described once, with samples that follow at once."""
    family, kind, seen = None, None, set()
    lines = text.splitlines()
    if strict:
        expect(lines.pop() == "# EOF", "# EOF")
    for line in lines:
        words = line.split(" ")
        if words[0] == "#" and words[1] == "TYPE":
            family, kind = words[2:]
            expect(family not in seen and kind in ("gauge", "counter"), line)
            seen.add(family)
        elif words[0] == "#":
            expect(words[2] == family and words[1] in ("HELP", "UNIT"), line)
            expect(words[1] == "HELP" or strict and family.endswith("_" + words[3]), line)
        else:
            sample = re.fullmatch(r"([a-z_]+)(\{block_size=\"\d+\"\})? [0-9.]+", line)
            ending = "_total" if strict and kind == "counter" else ""
            expect(sample and sample[1] == family + ending, line)
            expect(kind == "gauge" or sample[1].endswith("_total"), line)
    expect(len(seen) > 40, f"{len(seen)} families")


def formats(folder):
    """The same numbers in each format."""
    process = start("formats", folder)
    wait_for(process, "formats")
    finish(process)
    text = read(f"{folder}/all.json")
    live = text["totals"]["live_bytes"]
    for ending, strict in ("openmetrics", True), ("prom", False):
        metrics = pathlib.Path(f"{folder}/all.{ending}").read_text()
        check_metrics(metrics, strict)
        expect(f"\nlunalloc_live_bytes {live}\n" in metrics, ending)
    plain = pathlib.Path(f"{folder}/all.txt").read_text()
    for part in ("lunalloc statistics", "reconciliation", "size classes", "not lunalloc's"):
        expect(part in plain, part)
    root = xml.etree.ElementTree.parse(f"{folder}/all.xml").getroot()
    expect(root.tag == "malloc", "malloc_info")


def calls(folder):
    """The functions; the guest knows."""
    process = start("calls", folder)
    wait_for(process, "calls")
    finish(process)


def busy(folder):
    """While threads are at work; the guest knows what is absurd. After, all adds up again."""
    process = start("busy", folder)
    wait_for(process, "busy")
    check_kernel(read(f"{folder}/busy.json"), process.pid)
    finish(process)


def hardware(folder):
    """What the processor counts is there, or it is said why not; it is never a made-up 0."""
    for conf in "", "stats_hardware:true":
        process = start("formats", folder, conf)
        wait_for(process, "formats")
        finish(process)
        found = read(f"{folder}/all.json")["hardware"]
        reason = found.pop("not_available")
        expect(reason or conf, "counted without being asked")
        expect(all((value is None) == bool(reason) for value in found.values()), f"{found}")
        if not reason:
            expect(0 < found["cache_misses"] <= found["cache_references"], f"{found}")
        told = f"not available: {reason}\n" in pathlib.Path(f"{folder}/all.txt").read_text()
        expect(told == bool(reason), "the text does not say so")


def option(folder):
    """A file at the exit, whose ending says its format."""
    for ending, begins in ("json", "{"), ("prom", "# TYPE"), ("txt", "lunalloc statistics"):
        process = start("nothing", folder, f"stats_file:{folder}/exit.%p.{ending}")
        wait_for(process, "done")
        expect(process.wait() == 0, "the guest failed")
        path = pathlib.Path(f"{folder}/exit.{process.pid}.{ending}")
        expect(path.read_text().startswith(begins), f"{path}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        globals()[sys.argv[1]](folder)


main()
