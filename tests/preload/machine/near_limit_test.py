# SPDX-License-Identifier: MIT
"""Profiles that are written when the process comes near a limit of its memory.

Usage: near_limit_test.py PART LIBRARY GUEST
"""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import own_cgroup

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
MIB = 1 << 20
SPACE = 4000  # MiB, of limits on address space


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def run(part, steps, prepare, conf="profile:true,profile_near_limit_percent:80"):
    """Runs the guest; returns what is written, and what it says on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        conf = f"profile_format:json,profile_file:{folder}/%e.%n,{conf}"
        environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
        result = subprocess.run([guest, part, *map(str, steps)], env=environment, text=True,
                                capture_output=True, timeout=200, check=False,
                                preexec_fn=prepare)
        if result.returncode or "done" not in result.stdout:
            sys.exit(f"failed: {part} {steps} with {conf!r} ended with {result.returncode}:"
                     f" {result.stdout}{result.stderr}")
        texts = {path.name: json.loads(path.read_text())
                 for path in sorted(pathlib.Path(folder).iterdir())}
        return texts, result.stderr


def limited(kind, mebibytes):
    """What sets that limit of a process."""
    return lambda: resource.setrlimit(kind, (mebibytes * MIB, mebibytes * MIB))


def expect_files(part, steps, prepare, files):
    """Each of these steps leads to so many profiles, in all of a run."""
    found, errors = run(part, steps, prepare)
    names = [f"near_limit_guest.{number:04}.limit.json" for number in range(files)]
    expect(list(found) == names, f"{part} {steps}: {list(found)}, not {files}")
    expect(errors == "", errors)
    return list(found.values())


def crossings(part, whole, prepare):
    """Once for each crossing, and again only after a fall by 5 points, of `whole` MiB."""
    def steps(*percents):
        return [whole * percent // 100 for percent in percents]
    expect_files(part, steps(70), prepare, 0)
    expect_files(part, steps(50, 85, 90), prepare, 1)
    expect_files(part, steps(85, 77, 85), prepare, 1)
    expect_files(part, steps(85, 50, 85), prepare, 2)


def address_space():
    """RLIMIT_AS, as by ulimit -v."""
    crossings("space", SPACE, limited(resource.RLIMIT_AS, SPACE))


def data():
    """RLIMIT_DATA."""
    crossings("data", SPACE, limited(resource.RLIMIT_DATA, SPACE))


def small_stack():
    """In a thread with the smallest stack."""
    expect_files("small_stack", [SPACE * 85 // 100], limited(resource.RLIMIT_AS, SPACE), 1)


def blocks():
    """What malloc gave counts against ulimit -v; the profile tells of it."""
    prepare = limited(resource.RLIMIT_AS, 1000)
    expect_files("blocks", [200], prepare, 0)
    profile = expect_files("blocks", [200, 850], prepare, 1)[0]
    expect(profile["live"]["bytes"] > 300 * MIB, f"{profile['live']} live")


def cgroup():
    """A cgroup of our own."""
    with own_cgroup.make_or_skip("near", 200 * MIB) as own:
        crossings("blocks", 200, own.enter)


def above():
    """The cgroup that is near its limit is not that of the process."""
    with own_cgroup.make_or_skip("above", 200 * MIB) as own, \
            own_cgroup.make_or_skip("inside", None, own) as inside:
        expect_files("blocks", [140], inside.enter, 0)
        expect_files("blocks", [170], inside.enter, 1)


def others():
    """Without a limit, without a profile, without the option or with a senseless one: nothing."""
    steps = [SPACE * 85 // 100]
    prepare = limited(resource.RLIMIT_AS, SPACE)
    option = "profile_near_limit_percent"
    for conf in ("profile:true", f"profile:true,{option}:0", f"{option}:80",
                 f"enabled:true,profile:true,{option}:99"):
        found, errors = run("space", steps, prepare, conf)
        expect(not found and errors == "", f"{conf}: {list(found)} {errors}")
    found, errors = run("space", steps, prepare, f"profile:true,{option}:101")
    expect(not found and errors.count(option) == 1, f"{list(found)} {errors}")
    found, errors = run("space", steps, prepare, f"profile:true,{option}:80,profile_max_files:0")
    expect(not found and errors.count("no more profiles") == 1, f"{list(found)} {errors}")
    found, _ = run("space", steps, prepare, f"profile:true,{option}:80,profile_at_exit:true")
    expect(list(found) == ["near_limit_guest.0000.limit.json", "near_limit_guest.0001.json"],
           f"{list(found)}")


PARTS = {part.__name__: part for part in (address_space, data, small_stack, blocks, cgroup, above,
                                          others)}
PARTS[sys.argv[1]]()
