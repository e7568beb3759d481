# SPDX-License-Identifier: MIT
"""Who allocates, as the library tells it, against what a program is known to allocate.

Usage: profile_test.py PART LIBRARY GUEST
"""
import functools
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile

import profile_files

library, guest = (os.path.abspath(path) for path in sys.argv[2:])


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(part, folder, conf=""):
    """Runs a part of the guest; returns what it says on stderr."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, part, folder], env=environment, cwd=folder,
                            capture_output=True, text=True, timeout=200, check=False)
    if result.returncode or "done" not in result.stdout:
        sys.exit(f"failed: {part} with {conf!r} ended with {result.returncode}:"
                 f" {result.stdout}{result.stderr}")
    return result.stderr


Profile = functools.partial(profile_files.JsonProfile, guest=guest)


def exact(folder):
    """With every block sampled, each amount is what was allocated."""
    run("exact", folder)
    found = Profile(f"{folder}/exact.json")
    live = {"keep_some": (117, 100 * 1000 + 10 * 500 + 7 * 70000), "drop_some": (0, 0),
            "grow_one": (1, 5000000)}
    for function, amount in live.items():
        expect(found.amounts(function, "live") == amount,
               f"{function}: {found.amounts(function, 'live')} are live, not {amount}")
    expect(found.amounts("drop_some", "allocated") == (300, 60000),
           f"drop_some allocated {found.amounts('drop_some', 'allocated')}")
    expect(found.deepest("keep_deep") == 41, f"{found.deepest('keep_deep')} frames, not 41")
    freed = Profile(f"{folder}/freed.json")
    for function in live:
        expect(freed.amounts(function, "live") == (0, 0), f"{function} has live blocks")
    check_other_formats(folder)


def check_other_formats(folder):
    """They hold the same bytes."""
    for line in pathlib.Path(f"{folder}/exact.folded").read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        expect(stack and int(count) > 0, f"no folded stack: {line}")
    heap = pathlib.Path(f"{folder}/exact.heap").read_text()
    expect(heap.startswith("heap_v2/1\n") and "MAPPED_LIBRARIES:" in heap, "no heap_v2")
    profile = gzip.decompress(pathlib.Path(f"{folder}/exact.pb.gz").read_bytes())
    expect(b"inuse_space" in profile and guest.encode() in profile, "no pprof profile")
    expect("profile_guest" in pathlib.Path(f"{folder}/exact.txt").read_text(), "no text")


def sampled(folder):
    """Estimates lie within five standard deviations."""
    run("sampled", folder, "profile_cpu_percent:0")
    found = Profile(f"{folder}/sampled.json")
    for function, kind, objects, size, block in (("keep_some", "live", 100000, 300, 320),
                                                 ("drop_some", "allocated", 1000000, 64, 64)):
        samples = objects * block / 65536
        low, high = (objects * (1 + sign * 5 / samples ** 0.5) for sign in (-1, 1))
        estimate, estimated_bytes = found.amounts(function, kind)
        expect(low < estimate < high, f"{function}: {estimate} objects estimated")
        expect(abs(estimated_bytes - estimate * size) < size,
               f"{function}: {estimated_bytes} bytes for {estimate} objects")


def forked(folder):
    """The child has what the parent had, and what is its own."""
    run("forked", folder)
    expect(Profile(f"{folder}/parent.json").amounts("keep_some", "live") == (50, 50000), "parent")
    expect(Profile(f"{folder}/child.json").amounts("keep_some", "live") == (75, 75000), "child")


def refused(folder):
    """What is wrong is said, and leaves nothing behind."""
    run("refused", folder)
    expect(os.listdir(folder) == [], f"left behind: {os.listdir(folder)}")
    for option, message in (("profile_interval:0", "wants a whole number from 1 to 1073741824; it is ignored"),
                            ("profile_memory:0", "wants a whole number from 1 to 1048576; it is ignored"),
                            ("profile_format:xml", "wants pprof, collapsed"),
                            ("profile_file:%q", "profile_file")):
        errors = run("nothing", folder, f"profile:true,profile_at_exit:true,{option}")
        expect(message in errors, f"{option}: {errors!r}")


def at_exit(folder):
    """The options alone are enough."""
    conf = (f"profile:true,profile_interval:1,profile_at_exit:true,profile_format:json,"
            f"profile_file:{folder}/%e.%n")
    expect(run("nothing", folder, conf) == "", "something on stderr")
    expect(os.listdir(folder) == ["profile_guest.0000.json"], f"{os.listdir(folder)}")
    found = Profile(f"{folder}/profile_guest.0000.json")
    expect(found.text["sites"], "no sites")


PARTS = {part.__name__: part for part in (exact, sampled, forked, refused, at_exit)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
