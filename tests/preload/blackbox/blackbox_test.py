# SPDX-License-Identifier: MIT
"""What a black box tells of a process that ended, or was killed.

Usage: blackbox_test.py PART LIBRARY GUEST [LUNA]

LUNA_BLACKBOX_KILLS says how many guests are killed, LUNA_BLACKBOX_SEED when.
"""
import functools
import json
import os
import pathlib
import random
import re
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time

import blackbox_file

ROOT = pathlib.Path(__file__).resolve().parents[3]
MIB = 1 << 20
REFUSED, NEAR_LIMIT, MISTAKE, EXIT = 3, 4, 5, 6
SECOND = 1_000_000_000

library, guest, *tool = (os.path.abspath(path) for path in sys.argv[2:])


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def environment_of(conf):
    """That of a guest with such options."""
    return dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)


def run(conf, *arguments, status=0, before=None):
    """Runs the guest until it ends; returns what it says on stdout and stderr."""
    result = subprocess.run([guest, *arguments], env=environment_of(conf), capture_output=True,
                            text=True, timeout=200, check=False, preexec_fn=before)
    expect(result.returncode == status, f"{arguments} with {conf!r} ended with"
           f" {result.returncode}: {result.stdout}{result.stderr}")
    expect(status or "done" in result.stdout, f"{arguments} with {conf!r} is not done")
    return result.stdout, result.stderr


def read(path):
    """The box, which must be whole."""
    box = blackbox_file.BlackBox(path, ROOT)
    for kind, records in box.rings.items():
        numbers = [record.sequence for record in records]
        expect(numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True,
               f"records {numbers} of kind {kind}")
    compare_with_tool(path, box)
    return box


def compare_with_tool(path, box):
    """luna reads the same."""
    if not tool:
        return
    told = json.loads(subprocess.run([tool[0], "blackbox", "--format", "json", path],
                                     capture_output=True, text=True, check=True).stdout)
    expect(told["process"] == box.process and told["program"] == box.program, "the header")
    expect(told["torn_records"] == sum(box.torn.values()), "torn records")
    for mine, other in zip(box.statistics(), told["statistics"], strict=True):
        for name, value in mine.items():
            known = {blackbox_file.UNKNOWN: None, blackbox_file.UNKNOWN - 1: "unlimited"}
            expect(other[name] == known.get(value, value), f"{name}: {other[name]}, not {value}")
    events = [(event["kind"], event["level"], event["source"], event["text"])
              for event in told["events"]]
    expect(events == box.events(), f"{events}")
    for record, other in zip(box.rings[blackbox_file.SITES], told["sites"], strict=True):
        sites, modules = box.sites(record)
        frames = [[int(frame, 16) for frame in site["frames"]] for site in other["sites"]]
        expect(frames == [list(site[1]) for site in sites], "frames")
        expect([module["path"] for module in other["modules"]] == [row[3] for row in modules],
               "modules")
    text = subprocess.run([tool[0], "blackbox", path], capture_output=True, text=True, check=True)
    expect(text.stdout.startswith(f"black box of {box.program}, process {box.process}"), text.stdout)


def check_statistics(box):
    """Times rise, and amounts fit together."""
    times = [record.monotonic_ns for record in box.rings[blackbox_file.STATISTICS]]
    expect(times == sorted(times), f"times {times}")
    expect(all(when >= box.began_ns for when in times), "a record from before the beginning")
    for row in box.statistics():
        expect(row["live_bytes"] <= row["committed_bytes"], f"{row}")
        expect(row["live_bytes"] <= row["peak_live_bytes"], f"{row}")
        expect(row["large_bytes"] <= row["live_bytes"], f"{row}")
        expect(row["resident_bytes"] <= row["peak_resident_bytes"], f"{row}")


def kill_one(folder, number, length):
    """Kills a busy guest after so long; its box is as if it had been written until then."""
    path, said = f"{folder}/box.{number}", f"{folder}/said"
    with open(said, "w", encoding="ascii") as out, subprocess.Popen(
            [guest, "busy"], stdout=out,
            env=environment_of(f"blackbox:{path},profile:true,profile_interval:65536")) as process:
        time.sleep(length)
        process.kill()
    if not os.path.exists(path):
        expect(os.path.getsize(said) == 0, "no file")
        return None
    box = read(path)
    expect(sum(box.torn.values()) <= 1, f"torn {box.torn}")
    expect(box.process == process.pid, "another process")
    check_statistics(box)
    expect(not box.events(), f"{box.events()}")
    times = pathlib.Path(said).read_text(encoding="ascii").splitlines()[:-1]
    if times:
        check_age(box, float(times[-1]))
    return box


def check_age(box, last_seen):
    """The last record is of the last seconds in which the guest allocated; a record that took
    long is followed by a longer pause."""
    expect(box.rings[blackbox_file.STATISTICS], "nothing was recorded")
    last = box.rings[blackbox_file.STATISTICS][-1].monotonic_ns / SECOND
    cost = box.statistics()[-1]["cost_ns"] / SECOND
    expect(last_seen - last < 2.5 + 100 * cost, f"{last_seen - last} s old, cost {cost} s")


def kills(folder):
    """Killed at any time, the box is readable and fits together."""
    count = int(os.environ.get("LUNA_BLACKBOX_KILLS", "20"))
    seed = int(os.environ.get("LUNA_BLACKBOX_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    draw = random.Random(seed)
    boxes = [kill_one(folder, number, draw.uniform(0.02, 2.5)) for number in range(count)]
    found = [box for box in boxes if box is not None]
    records = sum(len(box.rings[blackbox_file.STATISTICS]) for box in found)
    torn = sum(sum(box.torn.values()) for box in found)
    print(f"{count} kills, {len(found)} boxes, {records} records of statistics, {torn} torn")
    expect(len(found) > count / 2 and records >= len(found), "hardly a box")


def ends(folder):
    """An end of its own will is told from a kill, and so is why it died."""
    path = f"{folder}/box"
    run(f"blackbox:{path},blackbox_kib:128", "work", "0.1")
    box = read(path)
    check_statistics(box)
    expect([event[0] for event in box.events()] == [EXIT], f"{box.events()}")
    expect(os.stat(path).st_size == 128 * 1024, "another size")
    expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others can read it")
    expect(os.stat(path).st_blocks * 512 >= 128 * 1024, "it is not allocated")
    first = box.process
    _, errors = run(f"blackbox:{path}", "twice", status=-signal.SIGABRT)
    box = read(path)
    kind, _, source, text = box.events()[-1]
    expect((kind, source, text) == (MISTAKE, "abort", errors.rstrip("\n")), f"{box.events()}")
    expect(read(f"{path}.old").process == first, "the box before was not kept")
    run(f"blackbox:{path},profile_interval:1,guard_samples:1", "twice", status=-signal.SIGABRT)
    expect(read(path).events()[-1] == (MISTAKE, 3, "guard", "double free of a guarded block;"
                                       " stderr has the report"), f"{read(path).events()}")


def refused(folder):
    """Allocations that got no memory are counted, and noted now and then; so is a near limit."""
    run(f"blackbox:{folder}/box,profile:true,profile_near_limit_percent:5,"
        f"profile_file:{folder}/profile", "refused")
    box = read(f"{folder}/box")
    expect(box.statistics()[-1]["refused_allocations"] == 10, f"{box.statistics()[-1]}")
    noted = [event for event in box.events() if event[0] == REFUSED]
    expect(1 <= len(noted) <= 10, f"{box.events()}")
    near = [event[3] for event in box.events() if event[0] == NEAR_LIMIT]
    expect(near == ["a limit of memory is used to 5 percent or more"], f"{box.events()}")


def forked(folder):
    """A child has a box of its own, or none."""
    said, _ = run(f"blackbox:{folder}/%p", "forked")
    child = int(re.search(r"child (\d+)", said)[1])
    boxes = {int(name): read(f"{folder}/{name}") for name in os.listdir(folder)}
    expect(len(boxes) == 2 and child in boxes, f"{list(boxes)}")
    expect(all(box.process == number for number, box in boxes.items()), "mixed up")
    parent = boxes[next(number for number in boxes if number != child)]
    expect([event[0] for event in parent.events()] == [EXIT], f"{parent.events()}")
    expect(boxes[child].rings[blackbox_file.STATISTICS], "the child recorded nothing")
    expect(not boxes[child].events(), "the child has told of an end")
    with tempfile.TemporaryDirectory() as other:
        run(f"blackbox:{other}/box", "forked")
        expect(os.listdir(other) == ["box"], f"{os.listdir(other)}")
        check_statistics(read(f"{other}/box"))


def closed(folder):
    """It needs neither a descriptor nor the folder that it began in."""
    run(f"blackbox:{folder}/box", "closed")
    box = read(f"{folder}/box")
    check_statistics(box)
    expect(len(box.rings[blackbox_file.STATISTICS]) >= 2, "nothing was recorded afterwards")
    expect([event[0] for event in box.events()] == [EXIT], f"{box.events()}")


def cut(folder):
    """Who cuts the file short ends the record, and not the program."""
    _, errors = run(f"blackbox:{folder}/box", "cut", f"{folder}/box")
    expect(errors.count("was cut short") == 1 and errors.count("\n") == 1, errors)


def limit_files():
    """No file may be larger than 64 KiB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))


def full(folder):
    """No room for the file: a line at the start, and the program goes on without."""
    _, errors = run(f"blackbox:{folder}/box", "work", "0.1", before=limit_files)
    expect("File too large; there is no black box" in errors and errors.count("\n") == 1, errors)
    script = (f"mount -t tmpfs -o size=64k none {folder} && LD_PRELOAD={library}"
              f" LUNALLOC_CONF=blackbox:{folder}/box exec {guest} work 0.1")
    result = subprocess.run(["unshare", "-rm", "sh", "-c", f"{script}; ls -A {folder} >&2"],
                            capture_output=True, text=True, check=False)
    if "done" not in result.stdout and "lunalloc" not in result.stderr:
        print(f"a full disk cannot be had here: {result.stderr}")
        return
    expect("No space left on device; there is no black box" in result.stderr, result.stderr)
    expect("done" in result.stdout and result.returncode == 0, result.stderr)
    expect(os.listdir(folder) == [], f"{os.listdir(folder)}")


def names(folder):
    """What is wrong with a name is said in one line; nothing but a file is replaced."""
    os.mkfifo(f"{folder}/pipe")
    os.symlink("elsewhere", f"{folder}/link")
    os.mkdir(f"{folder}/folder")
    there = set(os.listdir(folder))
    for conf, words in {f"blackbox:{folder}/%q": "none of p, h, e, t, n",
                        f"blackbox:{folder}/no/box": "No such file or directory",
                        f"blackbox:{folder}/pipe": "Invalid argument",
                        f"blackbox:{folder}/link": "Invalid argument",
                        f"blackbox:{folder}/folder": "Is a directory",
                        f"blackbox:{folder}/": "Is a directory"}.items():
        _, errors = run(conf, "work", "0.05")
        expect(words in errors and errors.count("\n") == 1, f"{conf}: {errors}")
        expect(set(os.listdir(folder)) == there, f"{conf}: {os.listdir(folder)}")
    run(f"blackbox:{folder}/%e.%n.100%%", "work", "0.05")
    found = [name for name in os.listdir(folder) if name.endswith(".100%")]
    expect(len(found) == 1 and re.fullmatch(r"blackbox_guest\.\d{4}\.100%", found[0]), f"{found}")


@functools.cache
def function_at(path, address):
    """The name of the function in a file."""
    lines = subprocess.run(["addr2line", "-f", "-C", "-e", path, hex(address)],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    return lines[0].replace("(anonymous namespace)::", "").split("(")[0]


def names_of(site, modules):
    """The functions of its frames that lie in the guest."""
    found = []
    for frame in site[1]:
        for begin, end, bias, path, _ in modules:
            if begin <= frame - 1 < end and path == guest:
                found.append(function_at(path, frame - 1 - bias))
    return found


def sites(folder):
    """Who holds most can be named when the process is gone."""
    box = None
    for length in (2, 4, 8, 16):  # until there was time enough to sample something
        box = kill_one(folder, length, length)
        if box is not None and box.rings[blackbox_file.SITES]:
            break
    expect(box.rings[blackbox_file.SITES], "no sites")
    found, modules = box.sites(box.rings[blackbox_file.SITES][-1])
    amounts = [site[0][0] for site in found]
    expect(amounts == sorted(amounts, reverse=True) and len(found) <= 20, f"{amounts}")
    held = [site for site in found if names_of(site, modules)[:1] == ["hold"]]
    expect(held and held[0][0][0] >= 10 * MIB, f"{[names_of(site, modules) for site in found]}")
    expect(all(re.fullmatch("[0-9a-f]*", row[4]) for row in modules), "build-ids")


PARTS = {part.__name__: part for part in (closed, cut, ends, forked, full, kills, names, refused,
                                          sites)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
