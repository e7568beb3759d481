# SPDX-License-Identifier: MIT
"""What `luna profile`, `luna diff` and `luna leaks` make of the files of a guest.

Usage: symbols_test.py PART LIBRARY LUNA GUEST SOURCE
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import (KIB, as_build_id_folder, check_sites, expect, expect_equal, frames_in, guest,
                     library, line_of, luna, run_luna, stack, stripped_guest)


def run_guest(path, output, form="json", arguments=(), more=""):
    """Runs a copy of the guest; returns the profile that it leaves."""
    conf = (f"profile:true,profile_interval:1,profile_at_exit:true,profile_format:{form},"
            f"profile_file:{output}{more}")
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    subprocess.run([path, *arguments], env=environment, timeout=200, check=True)
    return output + {"json": ".json", "pprof": ".pb.gz"}[form]


def check_names(profile, *options):
    """Each frame of the guest has its function, line and place in a chain of inlined calls."""
    text, error = run_luna("profile", "--format", "json", *options, profile)
    expect("symbols_guest" not in error, error)
    check_sites(text)


def check_nameless(profile, reason, path, *options):
    """No frame of the guest has a name, and stderr says why."""
    text, error = run_luna("profile", *options, profile)
    expect(f"luna: {path} " in error and reason in error, error)
    expect_equal(len(error.splitlines()), len(re.findall("^luna: ", error, re.M)), "lines of stderr")
    expect("guest::" not in text and re.search(r"symbols_guest\+0x[0-9a-f]+\n", text), text)
    expect("main" not in re.findall(r"^ +main", text, re.M), text)


def separate(folder):
    """Debug information by a link with its checksum; without it there are no names."""
    path, debug = stripped_guest(folder)
    for form in ("json", "pprof"):
        check_names(run_guest(path, f"{folder}/{form}", form))
    os.rename(debug, debug + ".gone")
    text, _ = run_luna("profile", f"{folder}/json.json")
    expect("guest::" not in text and "symbols_guest+0x" in text, text)


def build_id(folder):
    """Debug information by the build-id."""
    path, debug = stripped_guest(folder)
    debug_folder = as_build_id_folder(folder, debug)
    for form in ("json", "pprof"):
        check_names(run_guest(path, f"{folder}/{form}", form), "--debug-dir", debug_folder)


def replaced(folder):
    """A file that took the place of the program gives no names, and is told of."""
    path = f"{folder}/symbols_guest"
    shutil.copy(guest, path)
    profiles = [run_guest(path, f"{folder}/{form}", form) for form in ("json", "pprof")]
    os.remove(path)
    shutil.copy(luna, path)
    for profile in profiles:
        check_nameless(profile, "is another file than that of the profile: its build-id is ", path)


def missing(folder):
    """A program that is gone has names by the build-id of its debug file, or none."""
    path, debug = stripped_guest(folder)
    profiles = [run_guest(path, f"{folder}/{form}", form) for form in ("json", "pprof")]
    os.remove(path)
    for profile in profiles:
        check_nameless(profile, "is not there", path)
    debug_folder = as_build_id_folder(folder, debug)
    for profile in profiles:
        check_names(profile, "--debug-dir", debug_folder)


def formats(folder):
    """Text and folded stacks have the names, with shares."""
    profile = run_guest(guest, f"{folder}/heap")
    text, _ = run_luna("profile", profile)
    expect(text.startswith("In use: 30.0 KiB, 30 objects, 2 sites\n"), text)
    functions = [name for name, _, _ in stack("fill_often")]
    for name in functions:
        flat = r"30.0 KiB +100.0 %" if name == functions[0] else r"0 B +0.0 %"
        expect(re.search(rf"^ +{flat} +30.0 KiB +100.0 %  {re.escape(name)}$", text, re.M), name)
    expect("\n1. 20.0 KiB, 66.7 %, 20 objects\n" in text, text)
    expect(f"symbols_guest.cpp:{line_of('add')} (inlined)\n" in text, text)

    folded, _ = run_luna("profile", "--format", "collapsed", profile)
    expected = ";".join(reversed(functions))
    numbers = [int(line.rpartition(" ")[2]) for line in folded.splitlines() if expected in line]
    expect_equal(numbers, [20 * KIB, 10 * KIB], folded)

    rows, _ = run_luna("profile", "--rows", "1", profile)
    expect("and 1 more sites" in rows and "2. " not in rows, rows)
    out = f"{folder}/out"
    run_luna("profile", "-o", out, profile)
    expect_equal(pathlib.Path(out).read_text(), text, "the file")
    expect_equal(os.stat(out).st_mode & 0o777, 0o600, "its mode")


def pprof(folder):
    """What is written for pprof has the names in it: the program is not needed any more."""
    path = f"{folder}/symbols_guest"
    shutil.copy(guest, path)
    for form in ("json", "pprof"):
        profile = run_guest(path, f"{folder}/{form}", form)
        run_luna("profile", "--format", "pprof", "-o", f"{folder}/{form}.named", profile)
    os.remove(path)
    for form in ("json", "pprof"):
        text, _ = run_luna("profile", "--format", "json", f"{folder}/{form}.named")
        sites = [site for site in json.loads(text)["sites"] if frames_in(site)]
        expect_equal([frames_in(site) for site in sites],
                     [stack("fill_often"), stack("fill_often again")], form)


def kinds(folder):
    """JSON tells of each kind, pprof of what it has; anything else is refused with what there is."""
    profile = run_guest(guest, f"{folder}/heap")
    for kind, title in (("inuse", "In use: 30.0 KiB"), ("alloc", "Allocated: "),
                        ("peak", "At the peak: "), ("growth", "Growth since the mark: 30.0 KiB"),
                        ("lifetime", "Lifetimes of what was freed: "),
                        ("temporary", "Temporary blocks: ")):
        text, _ = run_luna("profile", "--type", kind, profile)
        expect(text.startswith(title), text)
    heap = run_guest(guest, f"{folder}/heap", "pprof")
    text, _ = run_luna("profile", "--type", "alloc", heap)
    expect(text.startswith("Allocated: "), text)
    peak = run_guest(guest, f"{folder}/peak", "pprof", more=",profile_kind:peak")
    text, _ = run_luna("profile", "--type", "peak", peak)
    expect(text.startswith("At the peak: "), text)
    _, error = run_luna("profile", "--type", "growth", heap, status=2)
    expect("alloc_space, inuse_objects" in error and error.count("\n") == 1, error)
    run_luna("profile", "--type", "size", heap, status=2)


def diff(folder):
    """What grew comes with its names, whatever the addresses; what is the same does not."""
    before = run_guest(guest, f"{folder}/before")
    after = run_guest(guest, f"{folder}/after", "pprof", [f"{folder}/leaks.json"])
    # Both calls of fill() are one site, for lines are not looked at.
    functions = [name for name, _, _ in stack("fill_often")]
    text, _ = run_luna("diff", before, after)
    expect("1 site grew, 0 shrank" in text and "\n+30.0 KiB: 30.0 KiB to 60.0 KiB\n" in text, text)
    for name in functions:
        expect(f"\n    {name}\n" in text, text)
    text, _ = run_luna("diff", after, before)
    expect("0 sites grew, 1 shrank" in text and "\n-30.0 KiB: 60.0 KiB to 30.0 KiB\n" in text, text)
    text, _ = run_luna("diff", before, before)
    expect("0 sites grew, 0 shrank" in text, text)

    sites = json.loads(run_luna("diff", "--format", "json", before, after)[0])["sites"]
    expect_equal([(site["delta"], site["before"], site["after"]) for site in sites],
                 [(30 * KIB, 30 * KIB, 60 * KIB)], "JSON")
    expect_equal(sites[0]["frames"][:len(functions)], functions, "JSON")
    folded, _ = run_luna("diff", "--format", "collapsed", before, after)
    expect(folded.rstrip().endswith(";".join(reversed(functions)) + f" {30 * KIB} {60 * KIB}"),
           folded)
    _, error = run_luna("diff", "--type", "peak", before, after, status=2)
    expect(after in error, error)


def cut(folder):
    """The sites before a cut are told of; a file without its names, and a damaged one, are not."""
    profile = run_guest(guest, f"{folder}/heap")
    whole = pathlib.Path(profile).read_bytes()
    second = whole.rindex(b'{"frames"')
    part = f"{folder}/part.json"
    pathlib.Path(part).write_bytes(whole[:second])
    text, error = run_luna("profile", part, status=5)
    expect("In use: 20.0 KiB" in text or "In use: 10.0 KiB" in text, text)
    expect(part in error and "cut short" in error, error)

    whole = pathlib.Path(run_guest(guest, f"{folder}/heap", "pprof")).read_bytes()
    part = f"{folder}/part.pb.gz"
    pathlib.Path(part).write_bytes(whole[:len(whole) // 4])
    _, error = run_luna("profile", part, status=3)
    expect("cut short before the names" in error and error.count("\n") == 1, error)
    pathlib.Path(part).write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    _, error = run_luna("profile", part, status=3)
    expect("damaged" in error and error.count("\n") == 1, error)


def refused(folder):
    """Files that are none are told of in a line."""
    heap = run_guest(guest, f"{folder}/heap")
    for arguments, status, words in (
            (["profile", f"{folder}/none"], 1, "No such file"),
            (["profile", folder], 1, "directory"),
            (["profile", guest], 3, "no profile"),
            (["profile", heap, "-o", f"{folder}/none/out"], 1, "none/out"),
            (["profile", heap, "-o", heap], 2, "written over"),
            (["profile", heap, "--format", "heap_v2"], 2, "collapsed"),
            (["profile", str(os.getpid()), "--seconds", "1", "--type", "peak"], 2, "alloc and growth"),
            (["diff", guest, heap, "-o", heap], 3, "no profile"),
            (["diff", heap, guest], 3, "no profile"),
            (["leaks", heap], 3, "luna profile"),
            (["leaks", guest], 3, "no report")):
        text, error = run_luna(*arguments, status=status)
        expect(not text and words in error and error.count("\n") == 1, f"{arguments}: {error}")
        expect(error.startswith("luna: "), error)
    run_luna("profile", status=2)
    run_luna("profile", heap)


def leaks(folder):
    """A report of leaks with names of functions and lines; one that was cut has what is left."""
    path, debug = stripped_guest(folder)
    report = f"{folder}/leaks.json"
    run_guest(path, f"{folder}/heap", arguments=[report])
    names = [(name, line, inlined) for name, line, inlined in stack("fill_often")]
    text, error = run_luna("leaks", "--format", "json", report)
    expect("symbols_guest" not in error, error)
    found = [frames_in(site) for site in json.loads(text)["sites"]]
    expect(names in found, found)
    text, _ = run_luna("leaks", report)
    expect(text.startswith("Leak report of ") and "confidence" in text, text)
    expect(f"symbols_guest.cpp:{names[1][1]} (inlined)\n" in text, text)

    whole = pathlib.Path(report).read_bytes()
    pathlib.Path(report).write_bytes(whole[:whole.rindex(b'"suppressions"')])
    text, _ = run_luna("leaks", report, status=5)
    expect(names[1][0] in text, text)
    pathlib.Path(report).write_bytes(whole)
    os.remove(path)
    os.remove(debug)
    shutil.copy(luna, path)
    text, error = run_luna("leaks", report)
    expect("guest::Store" not in text and "is another file" in error, error)


PARTS = {part.__name__: part for part in (separate, build_id, replaced, missing, formats, pprof,
                                          kinds, diff, cut, refused, leaks)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
