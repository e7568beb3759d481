# SPDX-License-Identifier: MIT
"""What `luna` tells of the samples of a process: profiles, leaks and patterns.

Usage: samples_test.py PART LIBRARY LUNA
"""
import gzip
import json
import os
import pathlib
import re
import stat
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import BUSY, IDLE, ask, expect, expect_failure, output_of, running

EVERY_BLOCK = "profile:true,profile_interval:1,profile_cpu_percent:0"
# From a place of its own: 300 blocks that nobody frees, and 300 that go at once.
WORK = "exec('for i in range(300): kept.append(bytes(70_000)); bytes(90_000)')"


def formats():
    """Each format goes where it is wanted."""
    with tempfile.TemporaryDirectory() as folder, running(BUSY, EVERY_BLOCK) as guest:
        guest.do(WORK)
        status, output, message = ask("profile", guest.number, cwd=folder)
        name = f"python3.{guest.number}.pb.gz"
        expect((status, output, message) == (0, "", f"luna: written to {name}\n"), message)
        written = pathlib.Path(folder) / name
        expect(stat.S_IMODE(written.stat().st_mode) == 0o600, "others may read it")
        expect(b"inuse_space" in gzip.decompress(written.read_bytes()), "no profile")
        text = output_of("profile", guest.number, "--format", "text")
        expect(text.startswith("In use: ") and "One sample" not in text, text[:200])
        whole = json.loads(output_of("profile", guest.number, "--format", "json"))
        expect(whole["sites"][0]["values"]["inuse_space"] > 300 * 70_000, whole["sites"][0])
        expect(re.match(r"\S+;\S.* \d+\n", output_of("profile", guest.number, "--format",
                                                     "collapsed")), "collapsed")
        for form, head in (("heap_v2", "heap_v2/"), ("gperftools", "heap profile:")):
            expect(output_of("profile", guest.number, "--format", form).startswith(head), form)
        file = f"{folder}/own"
        expect(ask("profile", guest.number, "--format", "text", "-o", file)[0] == 0, "-o")
        expect(pathlib.Path(file).read_text().startswith("In use: "), "-o")
        expect_failure(1, "No such file", "profile", guest.number, "-o", folder + "/no/file")


def types():
    """What a profile is of; those that a format cannot say are refused."""
    with running(BUSY, EVERY_BLOCK) as guest:
        guest.do(WORK)
        for kind, head in (("peak", "At the peak: "), ("temporary", "Temporary blocks: "),
                           ("lifetime", "Lifetimes of what was freed: "), ("alloc", "Allocated: ")):
            text = output_of("profile", guest.number, "--format", "text", "--type", kind)
            expect(text.startswith(head), f"{kind}: {text[:200]}")
        peak = output_of("profile", guest.number, "--format", "heap_v2", "--type", "peak")
        expect(peak.startswith("heap_v2/"), peak[:200])
        expect_failure(2, "inuse and peak", "profile", guest.number, "--format", "heap_v2",
                       "--type", "growth")
        expect_failure(2, "alloc and growth", "profile", guest.number, "--type", "peak",
                       "--seconds", "1")
        expect(ask("profile", guest.number, "--seconds", "601")[0] == 2, "601 seconds")


def recorded():
    """What is allocated in a second, where no samples were taken before; nor are they after."""
    with running(BUSY, "profile_interval:1000,profile_cpu_percent:0") as guest:
        for verb in ("profile", "leaks", "patterns"):
            expect_failure(1, "has never taken samples", verb, guest.number)
        whole = json.loads(output_of("profile", guest.number, "--seconds", "1", "--format", "json"))
        expect(whole["shown"] == "growth_alloc_space", whole["shown"])
        expect(sum(site["values"]["growth_alloc_space"] for site in whole["sites"]) > 3000, "bytes")
        stays = output_of("profile", guest.number, "--seconds", "1", "--format", "text",
                          "--type", "growth")
        expect(stays.startswith("Growth since the mark: "), stays[:200])
        expect(output_of("ctl", guest.number, "profile.active") == "profile.active = false\n",
               "samples are taken on")
        expect_failure(1, "cannot say what grew", "profile", guest.number, "--seconds", "1",
                       "--format", "heap_v2")


def leaks():
    """Who leaks, and what nothing points to."""
    often = "profile:true,profile_interval:4096,profile_cpu_percent:0,background:true"
    with running(IDLE, often) as guest:
        guest.do("import ctypes; libc = ctypes.CDLL(None); libc.malloc.restype = ctypes.c_void_p")
        guest.do("exec('for i in range(200): libc.malloc(50_000)')")
        guest.do("x = libc.malloc(1); [libc.malloc(1) for i in range(100)] and None")
        text = output_of("leaks", guest.number, "--timeout", "60")
        expect(text.startswith("Leak report of ") and " lost" not in text.splitlines()[1], text[:300])
        report = json.loads(output_of("leaks", guest.number, "--format", "json"))
        expect(report["format"] == "luna-leak-report" and not report["proved"], report["format"])
        report = json.loads(output_of("leaks", guest.number, "--prove", "--format", "json"))
        expect(report["proved"] and report["sites"][0]["verdict"] == "lost", report["sites"][:1])
        # An address may stand somewhere by chance.
        expect(report["sites"][0]["lost_bytes"] > 150 * 50_000, report["sites"][0])


def patterns():
    """What was noticed beside the sums, with what is needed to read it."""
    with running(BUSY, EVERY_BLOCK) as guest:
        guest.do(WORK)
        text = output_of("patterns", guest.number)
        expect(text.startswith("Patterns\n") and "blocks are mostly of" in text, text)
        told = json.loads(output_of("patterns", guest.number, "--format", "json"))
        top = told["patterns"]["top_sites"]
        expect(top and all(told["sites"][str(row["site"])]["frames"] for row in top), top)
        modules = [frame.get("module", "") for site in told["sites"].values()
                   for frame in site["frames"]]
        expect(any("python" in module for module in modules), modules[:9])


globals()[sys.argv[1]]()
