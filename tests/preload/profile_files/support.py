# SPDX-License-Identifier: MIT
"""The guest with inlined functions, and what `luna` has to say of it."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

library, luna, guest, source = (os.path.abspath(path) for path in sys.argv[2:])
KIB = 1024


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def expect_equal(found, expected, what):
    """Fails unless they are the same."""
    expect(found == expected, f"{what}: {found}, not {expected}")


def line_of(word):
    """Where the source has `line: WORD` at the end of a line."""
    for number, line in enumerate(pathlib.Path(source).read_text().splitlines(), 1):
        if line.endswith(f"line: {word}"):
            return number
    sys.exit(f"failed: no {word} in {source}")


def stack(call):
    """What the stack of one of the two sites has of the guest: function, line, inlined."""
    store = "guest::Store<guest::Kilobyte>"
    return [(f"{store}::reserve(unsigned long)", line_of("reserve"), True),
            (f"{store}::add(unsigned long)", line_of("add"), True),
            (f"guest::(anonymous namespace)::fill({store}&, unsigned long)", line_of("fill"), False),
            (f"guest::fill_often({store}&, unsigned long)", line_of(call), False),
            ("main", line_of("main"), False)]


def run_luna(*arguments, status=0):
    """Runs luna, which has to end with the status; returns what it prints."""
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    result = subprocess.run([luna, *arguments], capture_output=True, timeout=200, check=False,
                            env=environment)
    error = result.stderr.decode()
    expect_equal(result.returncode, status, f"status of {arguments}, which says {error!r}")
    return result.stdout.decode(), error


def frames_in(site):
    """Of a site of `--format json`, what is of the guest's source."""
    return [(frame["function"], frame["line"], frame["inlined"]) for frame in site["frames"]
            if frame.get("file", "").endswith("symbols_guest.cpp")]


def check_sites(text):
    """Each frame of the guest in `--format json` has its function, line and inlined calls."""
    sites = [site for site in json.loads(text)["sites"] if frames_in(site)]
    expect_equal([site["values"]["inuse_space"] for site in sites], [20 * KIB, 10 * KIB], "bytes")
    for site, call in zip(sites, ("fill_often", "fill_often again"), strict=True):
        expect_equal(frames_in(site), stack(call), call)


def stripped_guest(folder):
    """A copy of the guest without debug information, which is in a file of its own."""
    path = f"{folder}/symbols_guest"
    debug = f"{folder}/symbols_guest.debug"
    shutil.copy(guest, path)
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", path], check=True)
    return path, debug


def as_build_id_folder(folder, debug):
    """Puts a debug file where it is found by its build-id; returns the folder for --debug-dir."""
    notes = subprocess.run(["readelf", "--notes", debug], capture_output=True, text=True, check=True)
    build_id = re.search(r"Build ID: ([0-9a-f]+)", notes.stdout)[1]
    place = pathlib.Path(folder, "debug", ".build-id", build_id[:2])
    place.mkdir(parents=True)
    os.rename(debug, place / f"{build_id[2:]}.debug")
    return f"{folder}/debug"
