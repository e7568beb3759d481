# SPDX-License-Identifier: MIT
"""`luna run`: a program in its place, and what is said of its memory when it has ended.

Usage: run_test.py PART LIBRARY LUNA [PROGRAM]
"""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import PYTHON, expect, library, luna

os.environ.pop("LUNALLOC_CONF", None)


def run(options, *command, **how):
    """(exit status, output, messages) of a program under `luna run`."""
    result = subprocess.run([luna, "run", "--lib", library, *options, *command], text=True,
                            capture_output=True, timeout=200, check=False, **how)
    return result.returncode, result.stdout, result.stderr


def python(program):
    """The command that runs it."""
    return ["--", PYTHON, "-c", program]


def summary():
    """Its figures are those of the program, in 25 lines at most; nothing is left."""
    with tempfile.TemporaryDirectory() as folder:
        program = "kept = [str(i) * 20_000 for i in range(3000)]\nimport os\nos.kept = kept"
        status, output, words = run([], *python(program), cwd=folder,
                                    env={**os.environ, "TMPDIR": folder})
        expect(status == 0 and output == "" and os.listdir(folder) == [], (output, words))
        expect(len(words.splitlines()) <= 25, words)
        expect(re.match(r"luna: python3 \(process \d+\) ended with status 0\n", words), words)
        peak = re.search(r"^  peak +([0-9.]+) MiB resident$", words, re.M)
        expect(peak and 180 < float(peak[1]) < 400, words)
        parts = re.findall(r"^ +([0-9.]+) ([KMG]?i?B)  ", words, re.M)
        units = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
        whole = re.search(r"at the exit +([0-9.]+) ([KMG]iB) resident", words)
        sizes = [float(number) * units[unit] for number, unit in parts]
        # Rounded to a tenth each; see docs/statistics.md for what the two counts leave out.
        expect(abs(sum(sizes) - float(whole[1]) * units[whole[2]]) < 1 << 20, words)


def profile():
    """Who had most at the peak, who leaks, and where the files are."""
    with tempfile.TemporaryDirectory() as folder:
        program = "import ctypes\nlibc = ctypes.CDLL(None)\n" \
                  "blocks = [libc.malloc(500_000) for i in range(100)]"
        status, _, words = run(["--profile=10000", "-o", folder], *python(program))
        expect(status == 0 and len(words.splitlines()) <= 25, words)
        expect(re.search(r"^  peak .* resident, (4[89]|5\d)\.\d MiB live \(estimated\)$", words,
                         re.M), words)
        first = words.split("most of the peak, estimated\n")[1].splitlines()[0]
        expect(re.match(r" +(4[789]|5\d)\.\d MiB  \S.*, (4[789]|5\d)\.\d MiB allocated in all$",
                        first), first)
        written = re.search(r"^  profile +(\S+)$", words, re.M)[1]
        expect(json.loads(pathlib.Path(written).read_text())["interval_bytes"] == 10000, written)
        leaks = re.search(r"^  leaks +\d+ leak, \d+ grow.*; see (\S+)$", words, re.M)[1]
        expect(pathlib.Path(leaks).read_text().startswith("Leak report"), leaks)
        expect(sorted(os.listdir(folder)) == sorted(map(os.path.basename, (written, leaks))), folder)
        status, _, words = run(["--profile=all"], "true")
        expect(status == 2 and words.startswith("luna: --profile=all: ") and
               words.count("\n") == 1, words)


def names():
    """The functions with most, by their names and lines."""
    guest = sys.argv[4]
    with tempfile.TemporaryDirectory() as folder:
        status, _, words = run(["--profile=1", "-o", folder], guest)
        first = words.split("most of the peak, estimated\n")[1].splitlines()[0]
        expect(status == 0 and re.match(
            r" +9\.\d MiB  .*keep_much\(\) at keeps_much\.cpp:11, 9\.\d MiB allocated in all$",
            first), words)


def status():
    """The exit status is that of the program, as a shell has it."""
    for way, wanted in (("exit 7", 7), ("kill -KILL $$", 137), ("kill -SEGV $$", 139)):
        expect(run([], "sh", "-c", way)[0] == wanted, way)
    _, _, words = run([], "sh", "-c", "kill -KILL $$")
    expect("ended by signal 9, Killed" in words and "no statistics" in words, words)
    found, _, words = run([], "/no/such/program")
    expect(found == 127 and words == "luna: /no/such/program: No such file or directory\n", words)
    found, _, words = run([], "/etc/passwd")
    expect(found == 126 and words == "luna: /etc/passwd: Permission denied\n", words)
    expect(run([])[0] == 2, "no program")
    expect(run(["--heap-limit", "100M", "-q"], *python("x = bytearray(200_000_000)"))[2].
           endswith("MemoryError\n"), "--heap-limit")


def signals():
    """What is sent to luna goes to the program, and what the terminal sends comes once."""
    program = "import signal, sys, time\n" \
              "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))\nprint('on', flush=True)\n" \
              "while True: time.sleep(1)"
    with subprocess.Popen([luna, "run", "-q", "--lib", library, *python(program)],
                          stdout=subprocess.PIPE, text=True) as process:
        expect(process.stdout.readline() == "on\n", "it does not begin")
        process.terminate()
        expect(process.wait(60) == 5, f"it ended with {process.returncode}")
    program = "import signal, sys, time\ncount = [0]\n" \
              "def note(*_): count[0] += 1\nsignal.signal(signal.SIGINT, note)\n" \
              "print('on', flush=True)\nwhile not count[0]: time.sleep(0.01)\n" \
              "time.sleep(0.5)\nsys.exit(count[0])"
    process, terminal = pty.fork()
    if process == 0:
        os.execv(luna, [luna, "run", "-q", "--lib", library, *python(program)])
    seen = b""
    while b"on" not in seen:
        seen += os.read(terminal, 100)
    os.write(terminal, b"\x03")
    ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    expect(ended == 1, f"the interrupt came {ended} times")


def streams():
    """Input and output are the program's, and its words are not luna's options."""
    expect(run(["-q"], "cat", input="some\nlines\n") == (0, "some\nlines\n", ""), "cat")
    expect(run(["-q"], "echo", "-q", "--", "--lib", "x")[1] == "-q -- --lib x\n", "words")
    expect(run(["-q"], "--", "echo", "--", "-o")[1] == "-- -o\n", "words behind --")


def environment():
    """What is preloaded and set already stays, and what is given to luna counts."""
    given = {**os.environ, "LD_PRELOAD": "libm.so.6", "LUNALLOC_CONF": "decay_ms:7,profile_depth:9"}
    seen = run(["-q", "--conf", "decay_ms:8"], "sh", "-c", "echo $LD_PRELOAD $LUNALLOC_CONF",
               env=given)[1]
    preloaded, conf = seen.split()
    expect(preloaded == f"{library}:libm.so.6", preloaded)
    expect(conf.startswith("decay_ms:7,profile_depth:9,stats_file:/") and
           conf.endswith(",decay_ms:8"), conf)
    told = run(["-q", "--conf", "confirm_conf:true"], "true", env=given)[2]
    expect("lunalloc: profile_depth:9 from LUNALLOC_CONF\n" in told, told)


def finds():
    """The library is found beside the command and where both are installed."""
    with tempfile.TemporaryDirectory() as folder:
        for place in ("bin", "lib/x86", "lib64"):
            root = pathlib.Path(folder) / place.replace("/", "_")
            (root / "bin").mkdir(parents=True)
            command = shutil.copy(luna, root / "bin")
            ask = [command, "run", "-q", "sh", "-c", "echo $LD_PRELOAD"]
            missing = subprocess.run(ask, capture_output=True, text=True, check=False)
            expect(missing.returncode == 2 and "--lib" in missing.stderr, missing.stderr)
            (root / place).mkdir(parents=True, exist_ok=True)
            there = shutil.copy(library, root / place)
            environment_ = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
            found = subprocess.run(ask, capture_output=True, text=True, check=True,
                                   env=environment_).stdout
            expect(found == f"{os.path.realpath(there)}\n", f"{place}: {found}")
    expect(run(["--lib", "/no/library"], "true")[0] == 2, "a library that is not there")


globals()[sys.argv[1]]()
