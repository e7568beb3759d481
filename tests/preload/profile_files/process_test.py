# SPDX-License-Identifier: MIT
"""Names in what `luna profile`, `luna leaks` and `luna patterns` tell of a process that runs.

Usage: process_test.py PART LIBRARY LUNA GUEST SOURCE
"""
import contextlib
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import (as_build_id_folder, check_sites, expect, expect_equal, frames_in, guest,
                     library, luna, run_luna, stack, stripped_guest)

SKIPPED = 77


def wait_for_server(number):
    """Its thread has a name a moment after it has begun, by which luna knows it."""
    end = time.monotonic() + 60
    while not any(task.read_text() == "lunalloc-http\n"
                  for task in pathlib.Path(f"/proc/{number}/task").glob("*/comm")):
        expect(time.monotonic() < end, "there is no server")
        time.sleep(0.01)


@contextlib.contextmanager
def running(path, folder, prefix=()):
    """A guest that has allocated and waits; gives its number."""
    conf = f"profile:true,profile_interval:1,socket:{folder}/%p.socket"
    command = ["env", f"LD_PRELOAD={library}", f"LUNALLOC_CONF={conf}", path, "wait"]
    with subprocess.Popen([*prefix, *command], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        try:
            expect_equal(process.stdout.read(1), b"x", "what the guest says")
            wait_for_server(process.pid)
            yield str(process.pid)
            process.stdin.close()
            expect_equal(process.wait(60), 0, "status of the guest")
        finally:
            process.kill()


def check_names(number, *options):
    """The frames of the process have names, and nothing is said on stderr."""
    text, error = run_luna("profile", number, "--format", "json", *options)
    expect_equal(error, "", "stderr")
    check_sites(text)


def formats(folder):
    """In each format, of a profile, of leaks and of patterns."""
    names = [name for name, _, _ in stack("fill_often")]
    with running(guest, folder) as number:
        check_names(number)
        text, _ = run_luna("profile", number, "--format", "text", "--rows", "1")
        # The thread that serves has a block of the C library.
        expect(text.startswith("In use: 30.") and "\n1. 20.0 KiB, " in text, text)
        expect(f"    {names[0]} at " in text and " more sites; see --rows\n" in text, text)
        text, _ = run_luna("profile", number, "--format", "collapsed", "--type", "peak")
        expect(";".join(reversed(names)) in text, text)
        out = f"{folder}/out.pb.gz"
        _, error = run_luna("profile", number, "-o", out)
        expect_equal(error, f"luna: written to {out}\n", "stderr")
        expect(names[0].encode() in gzip.decompress(pathlib.Path(out).read_bytes()), "no names")
        check_sites(run_luna("profile", out, "--format", "json")[0])

        report = json.loads(run_luna("leaks", number, "--format", "json")[0])
        expect_equal(report["format"], "luna-leak-report", "format")
        expect(stack("fill_often") in [frames_in(site) for site in report["sites"]], report)
        text, _ = run_luna("leaks", number)
        expect(text.startswith("Leak report of ") and names[0] in text, text)

        told = json.loads(run_luna("patterns", number, "--format", "json")[0])
        expect(stack("fill_often") in [frames_in(site) for site in told["sites"].values()], told)
        text, _ = run_luna("patterns", number)
        expect(text.startswith("Patterns\n") and "mostly of up to 1.0 KiB, 0 % temporary" in text,
               text)
        expect(names[0] in text, text)


def gone(folder):
    """A program that was deleted or replaced since is found all the same, as it still runs."""
    path = f"{folder}/symbols_guest"
    shutil.copy(guest, path)
    with running(path, folder) as number:
        os.remove(path)
        check_names(number)
        shutil.copy(luna, path)
        check_names(number)


def separate(folder):
    """Debug information in a file of its own, which is named; without it there are no names."""
    path, debug = stripped_guest(folder)
    debug_folder = as_build_id_folder(folder, debug)
    with running(path, folder) as number:
        check_names(number, "--debug-dir", debug_folder)
        text, _ = run_luna("profile", number, "--format", "text")
        expect("guest::" not in text and "symbols_guest+0x" in text, text)


def elsewhere(folder):
    """A process with other mounts has the files that it sees there, and its debug files."""
    inner = f"{folder}/inner"
    os.mkdir(inner)
    shutil.copy(luna, f"{inner}/symbols_guest")  # what is here at that path is another file
    path, debug = stripped_guest(folder)
    prefix = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none {inner} && "
              f"cp {path} {debug} {inner} && exec \"$@\"", "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        print("skip: there can be no other mounts")
        sys.exit(SKIPPED)
    with running(f"{inner}/symbols_guest", folder, prefix) as number:
        os.remove(path)
        os.remove(debug)
        check_names(number)


PARTS = {part.__name__: part for part in (formats, gone, separate, elsewhere)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
