# SPDX-License-Identifier: MIT
"""Labels that a program gives its threads, in each format.

Usage: labels_test.py PART LIBRARY GUEST
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import profile_files

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
ODD = "odd; \n\"\ufffd"
EARLY = {"tenant=early": (1, 400)}
USED = EARLY | {
    "": (60 + 4 + 6, 6000 + 4 * 200 + 6 * 200),
    "tenant=blue": (20, 2000),
    f"request={ODD} tenant=blue": (30, 3000),
    "tenant=red": (40, 4000),
    "tenant=thread": (5, 1000),
}
IN_CHILD = EARLY | {
    "": (10, 1000),
    "tenant=blue": (20, 2000),
    f"request={ODD} tenant=blue": (30 + 7, 3000 + 7 * 300),
    f"request={ODD} tenant=child": (8, 8 * 300),
}


def expect_equal(found, expected, what):
    """Fails unless they are the same."""
    if found != expected:
        sys.exit(f"failed: {what}: {found}, not {expected}")


def run(folder, part, conf=""):
    """Runs a part of the guest, with all that it writes in the folder."""
    os.mkdir(f"{folder}/child")
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, folder, part], env=environment, capture_output=True,
                            text=True, timeout=200, check=False)
    if result.returncode or "done" not in result.stdout:
        sys.exit(f"failed: {part} ended with {result.returncode}: {result.stdout}{result.stderr}")


def key_of(labels):
    """Labels as one word."""
    return " ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def in_json(folder):
    """Live objects and bytes of keep() by labels, and how many samples have lost theirs."""
    profile = profile_files.JsonProfile(f"{folder}/labels.json", guest)
    expect_equal(profile.text["dropped_samples"], 0, "dropped")
    found = {}
    for site in profile.sites("keep"):
        objects, size = found.get(key_of(site["labels"]), (0, 0))
        found[key_of(site["labels"])] = (objects + site["live"]["objects"],
                                         size + site["live"]["bytes"])
    return found, profile.text["unlabelled_samples"]


def in_pprof(folder):
    """The same without the number."""
    names = profile_files.JsonProfile(f"{folder}/labels.json", guest)
    profile = profile_files.PprofProfile(f"{folder}/labels.pb.gz")
    found = {}
    for (addresses, values), labels in zip(profile.samples, profile.labels, strict=True):
        if addresses and names.name(hex(addresses[0] + 1)) == "keep":
            objects, size = found.get(key_of(labels), (0, 0))
            found[key_of(labels)] = (objects + values[2], size + values[3])
    return found


def folded(folder):
    """For each line its frames that are labels, which stand first, and its bytes."""
    found = set()
    for line in pathlib.Path(f"{folder}/labels.folded").read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        count = sum(frame.startswith("[") for frame in stack.split(";"))
        found.add((*stack.split(";")[:count], int(number)))
    return found


def sum_of_text(path):
    """Objects that the lines of gperftools' format sum up to; each stack may have several."""
    lines = pathlib.Path(path).read_text().split("MAPPED_LIBRARIES")[0].splitlines()
    return sum(int(line.split(":")[0]) for line in lines[1:] if line)


def labels(folder):
    """Threads have their own; they begin without, and end with the thread."""
    run(folder, "labels")
    expect_equal(in_json(folder), (USED, 0), "JSON")
    expect_equal(in_pprof(folder), USED, "pprof")
    expect_equal(in_json(f"{folder}/child"), (IN_CHILD, 0), "JSON of the child")
    lines = {("[request=odd___\"\ufffd]", "[tenant=blue]", 3000), ("[tenant=red]", 4000)}
    expect_equal(lines - folded(folder), set(), "missing in folded")
    text = pathlib.Path(f"{folder}/labels.txt").read_text()
    for line in ("2.9 KiB in 30 objects allocated [request=odd; \\x0a\"\ufffd] [tenant=blue]\n",
                 "3.9 KiB in 40 objects allocated [tenant=red]\n"):
        if line not in text:
            sys.exit(f"failed: no {line!r} in {text}")
    in_use = sum(site["live"]["samples"] for site in
                 profile_files.JsonProfile(f"{folder}/labels.json", guest).text["sites"])
    expect_equal(sum_of_text(f"{folder}/labels.gperftools.heap"), in_use, "gperftools")


def refused(folder):
    """What is refused changes nothing."""
    run(folder, "refused")
    expect_equal(in_json(folder), (EARLY, 0), "JSON")


def overflow(folder):
    """Sets that find no room are counted, and no sample has labels that are not its own."""
    run(folder, "overflow", "profile_memory:1")
    expect_equal(in_json(folder), (EARLY | {"": (9, 900), "number=0": (2, 200)}, 4), "JSON")


def threads(folder):
    """Names of threads are labels too, if the program has no other with that key."""
    run(folder, "threads", "profile_threads:true")
    expect_equal(in_json(folder), ({
        "tenant=early thread=labels_guest": (1, 400),
        "thread=worker 7": (5, 500),
        "tenant=blue thread=worker 7": (6, 600),
        "tenant=blue thread=mine": (7, 700),
    }, 0), "JSON")


PARTS = {part.__name__: part for part in (labels, refused, overflow, threads)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
