# SPDX-License-Identifier: MIT
"""`luna watch` of real processes: what it waits for, and what it does then.

Usage: watch_test.py PART LIBRARY LUNA
"""
import json
import os
import pathlib
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import BUSY, IDLE, ask, expect, expect_failure, luna, output_of, running, wait_for

os.environ.pop("XDG_RUNTIME_DIR", None)
GROW = "exec('for i in range(400): kept.append(bytes(100_000))')"
TIME = r"\d\d:\d\d:\d\d"


def watch(guest, *words, folder=None):
    """It runs; what it says comes by pipes."""
    return subprocess.Popen([luna, "watch", str(guest.number), "--every", "50ms", *words],
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)


def actions():
    """What it writes is the owner's alone, with the name, the number and the time."""
    with tempfile.TemporaryDirectory() as folder, running(BUSY, "profile_interval:1000") as guest:
        words = ["--when", "live+30M", "--do", "profile", "--do", "leaks", "--do", "stats",
                 "--do", "purge", "--do", f"exec:env >{folder}/env", "-o", folder]
        with watch(guest, *words) as process:
            wait_for(lambda: output_of("ctl", guest.number, "profile.active") ==
                     "profile.active = true\n", "no samples are taken")
            guest.do(GROW)
            output, message = process.communicate()
        expect(process.returncode == 0, message)
        expect(message == "luna: the process takes samples from now on, until luna ends\n", message)
        expect(output_of("ctl", guest.number, "profile.active") == "profile.active = false\n",
               "samples are taken on")
        lines = output.splitlines()
        expect(re.fullmatch(rf"{TIME} live\+30M: \d+\.\d MiB", lines[0]), output)
        expect(lines[4:] == ["  free memory was given back", "  the command ended with status 0"],
               output)
        name = rf"python3\.{guest.number}\.\d{{8}}T\d{{6}}\.\d{{3}}"
        for line, kind, form in zip(lines[1:4], ("profile", "leaks", "stats"),
                                    ("lunalloc-heap-profile", "lunalloc-leak-report", 1)):
            path = pathlib.Path(line.removeprefix("  written to "))
            expect(re.fullmatch(rf"{name}\.{kind}\.json", path.name), line)
            expect(stat.S_IMODE(path.stat().st_mode) == 0o600, "others may read it")
            whole = json.loads(path.read_text())
            expect(whole.get("format", whole.get("lunalloc_statistics")) == form, line)
        figures = dict(line.split("=", 1) for line in
                       pathlib.Path(f"{folder}/env").read_text().splitlines() if "=" in line)
        expect(figures["LUNA_PID"] == str(guest.number), figures)
        expect(int(figures["LUNA_LIVE_BYTES"]) > 30 << 20 and
               0 < float(figures["LUNA_HIT_RATIO"]) <= 1, figures)
        expect(figures["LUNA_WHEN"] == lines[0].split(" ", 1)[1], figures["LUNA_WHEN"])
        expect(not guest.serves(), "it serves on")


def times():
    """Once by default; else each time that it did not hold in between."""
    with tempfile.TemporaryDirectory() as folder, running(IDLE, f"socket:{folder}/s") as guest:
        word = lambda: pathlib.Path(f"{folder}/times").read_text() \
            if os.path.exists(f"{folder}/times") else ""
        with watch(guest, "--when", "live>30M", "--when", "large_blocks>100", "--times", "3",
                   "--do", f"exec:echo again >>{folder}/times") as process:
            expect(word() == "", "too early")
            guest.do(GROW)
            wait_for(word, "it does not come true")
            output_of("top", guest.number, "--count", 3, "--interval", "0.2")  # it looks meanwhile
            expect(word() == "again\n", "it did not cease to hold")

            def has_ended():
                for line in ("kept.clear()", GROW):
                    guest.do(line)
                    time.sleep(0.1)
                return process.poll() is not None

            wait_for(has_ended, "not again")
            output, message = process.communicate()
        expect(process.returncode == 0 and message == "" and output.count("live>30M: ") == 3,
               output + message)
        expect(word() == "again\n" * 3, word())
        text = output_of("watch", guest.number, "--when", "refills/s>=0", "--every", "10ms",
                         "--for", "200ms", "--do", "exec:true")
        expect(re.fullmatch(rf"{TIME} refills/s>=0: \S+/s\n  the command.*\n", text), text)


def mistakes():
    """Wrong conditions, names, actions and times are told with what would be right."""
    with running(BUSY) as guest:
        def refuse(status, words, *arguments):
            expect_failure(status, words, "watch", guest.number, *arguments)

        refuse(2, "did you mean live_bytes?", "--when", "live_byts>2G", "--do", "stats")
        refuse(2, "did you mean rss?", "--when", "rs>2G", "--do", "stats")
        refuse(2, "the units are", "--when", "rss>2Q", "--do", "stats")
        refuse(2, "behind the name come", "--when", "rss", "--do", "stats")
        refuse(2, "there are profile, leaks", "--when", "rss>1", "--do", "exec:")
        for words in (["--do", "stats"], ["--when", "rss>1"],
                      ["--when", "rss>1", "--do", "stats", "--for", "soon"],
                      ["--when", "rss>1", "--do", "stats", "--every", "0"],
                      ["--when", "rss>1", "--do", "stats", "-o", "/no/folder"]):
            expect(ask("watch", guest.number, *words)[0] == 2, words)
        status, output, message = ask("watch", guest.number, "--when", "rss>1", "--do", "exec:exit 3",
                                      "--do", "exec:true")
        expect(status == 1 and message == "luna: the command ended with status 3\n" and
               output.endswith("  the command ended with status 0\n"), message + output)
        expect(not guest.serves(), "it serves on")
    expect_failure(3, "there is no process", "watch", 2 ** 22 + 1, "--when", "rss>1", "--do", "stats")


def ends():
    """A process that ends before has a status of its own."""
    with running(BUSY) as guest:
        with watch(guest, "--when", "rss>900G", "--do", "profile") as process:
            wait_for(guest.serves, "nobody watches")
            guest.process.stdin.close()
            output, message = process.communicate()
        expect(process.returncode == 5 and output == "", f"{process.returncode} {output}")
        expect(message.endswith(f"luna: process {guest.number} has ended before all was done\n"),
               message)


def signals():
    """Whatever ends it, the process is as it was."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with running(BUSY) as guest:
            with watch(guest, "--when", "rss>900G", "--do", "leaks") as process:
                wait_for(lambda: output_of("ctl", guest.number, "profile.active") ==
                         "profile.active = true\n", "no samples are taken")
                process.send_signal(number)
                expect(process.wait() == -number, f"ended by {process.returncode}")
            expect(output_of("ctl", guest.number, "profile.active") == "profile.active = false\n",
                   "samples are taken on")
            expect(not guest.serves(), "it serves on")


def unknown():
    """What the process does not know does not hold, and is told."""
    with running(BUSY) as guest, watch(guest, "--when", "cache_misses<1", "--do", "stats") as process:
        line = process.stderr.readline()
        expect("does not know its cache_misses" in line, line)
        process.terminate()
        expect(process.wait() == -signal.SIGTERM and process.stdout.read() == "", "it came true")


def stopped():
    """A process that is stopped is waited for."""
    with running(BUSY) as guest, tempfile.TemporaryDirectory() as folder, \
            watch(guest, "--when", "live+30M", "--do", "profile", "-o", folder) as process:
        expect("takes samples from now on" in process.stderr.readline(), "it does not begin")
        os.kill(guest.number, signal.SIGSTOP)
        try:
            process.wait(1)
            expect(False, f"it ended with {process.returncode}")
        except subprocess.TimeoutExpired:
            os.kill(guest.number, signal.SIGCONT)
        guest.do(GROW)
        expect(process.wait() == 0, process.stderr.read())


globals()[sys.argv[1]]()
