# SPDX-License-Identifier: MIT
"""`luna bench`: a command under each allocator that there is on the machine.

Usage: bench_test.py PART LIBRARY LUNA STATIC_PROGRAM
"""
import contextlib
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import NOBODY, PYTHON, expect, library, luna, skip, wait_for

for variable in ("LUNALLOC_CONF", "LD_PRELOAD"):
    os.environ.pop(variable, None)
os.environ["PYTHONMALLOC"] = "malloc"
RIVALS = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2",
          "tcmalloc": "libtcmalloc_minimal.so.4", "tbbmalloc": "libtbbmalloc_proxy.so.2"}


def bench(options, *command, **how):
    """(exit status, output, messages)."""
    result = subprocess.run([luna, "bench", "--lib", library, *map(str, options), "--", *command],
                            text=True, capture_output=True, timeout=400, check=False, **how)
    return result.returncode, result.stdout, result.stderr


def figures(options, *command, status=0, **how):
    """What it says for programs: all, and the allocators by name."""
    seen = bench(["--json", "-q", *options], *command, **how)
    expect(seen[0] == status, seen)
    result = json.loads(seen[1])
    return result, {one["name"]: one for one in result["allocators"]}


def python(program):
    """The command that runs it."""
    return [PYTHON, "-c", program]


def own_words(messages):
    """Without those that a busy machine gets."""
    return [line for line in messages.splitlines()
            if "the machine was busy" not in line and "changes its speed" not in line]


def found():
    """glibc, lunalloc and each installed rival, in turn, each in force in each run."""
    listing = subprocess.run("PATH=$PATH:/sbin ldconfig -p", shell=True, text=True,
                             capture_output=True, check=True).stdout
    wanted = {name for name, file in RIVALS.items() if f"\t{file} " in listing}
    if not wanted:
        skip("no other allocator is installed")
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        note = f"import os; open({str(log)!r}, 'a').write(os.environ.get('LD_PRELOAD', '') + ' ' " \
               "+ ' '.join(name for name in ('jemalloc', 'mimalloc', 'tcmalloc', 'tbbmalloc', " \
               "'lunalloc') if 'lib' + name in open('/proc/self/maps').read()) + chr(10))"
        result, all_of_them = figures(["--runs", 3], *python(note))
        expect(set(all_of_them) >= wanted | {"glibc", "lunalloc"}, all_of_them.keys())
        expect(result["allocators"][0]["name"] == "glibc", "glibc is the first")
        for one in all_of_them.values():
            expect(len(one["runs"]) == 3 and one["left_out"] == "", one)
            expect(all(run["problem"] == "" for run in one["runs"]), one)
        order = [(line.split(" ")[0], line.split()[-1:]) for line in log.read_text().splitlines()]
        expect(order == order[:len(all_of_them)] * 4, f"not in turn: {order}")
        expect(order[0] == ("", []), f"what is glibc? {order[0]}")
        for preloaded, mapped in order[1:len(all_of_them)]:
            expect(mapped and "lib" + mapped[0] in preloaded, (preloaded, mapped))


def measures():
    """Times, faults and peaks are those of the command, not of what starts it."""
    small, large = (figures(["--runs", 3, "--only", "lunalloc"], *command)[1]["glibc"]["figures"]
                    for command in (["/bin/true"], python("b'1' * 200_000_000; "
                                                          "import time; time.sleep(0.3)")))
    floor = small["peak_resident_mib"]["max"]
    expect(0.5 < floor < 3.5, f"/bin/true has {floor} MiB: of what starts it?")
    expect(195 < large["peak_resident_mib"]["median"] < 260, large)
    expect(large["page_faults"]["min"] > small["page_faults"]["max"] > 10, large)
    expect(large["wall_seconds"]["min"] >= 0.3, large)
    expect(large["cpu_seconds"]["median"] > 0, large)
    for figure in large.values():
        expect(figure["min"] <= figure["median"] <= figure["max"] and figure["ratio"] == 1, figure)


def told():
    """The table, the progress and the page have the same figures; nothing is left."""
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        odd = "<b>&x"
        status, text, messages = bench(
            ["--runs", 2, "--html", page, "--with", f"{odd}={library}", "--only", odd],
            "echo", "<script>", env={**os.environ, "TMPDIR": folder})
        expect(status == 0 and text.startswith("echo '<script>': 2 runs of each\n"), text)
        for title in ("wall time, s", "CPU time, user and system, s", "peak RSS, MiB", "page faults"):
            expect(f"\n{title}\n" in text, text)
        expect(text.count("\n  glibc ") == text.count(f"\n  {odd} ") == 4, text)
        lines = own_words(messages)
        expect(lines[0] == "luna: run 1 of 6, glibc" and len(lines) == 6, messages)
        expect(lines[5].startswith(f"luna: run 6 of 6, {odd}; some "), messages)
        expect(os.listdir(folder) == ["page.html"], os.listdir(folder))
        html = page.read_text()
        expect("<script" not in html and "<b>" not in html and "&lt;b&gt;&amp;x" in html, html)
        expect(html.count("<svg ") == html.count("</svg>") == 4, "the bars")
        median = text.split("page faults\n")[1].splitlines()[1].split()[1]
        expect(f">{median} (1.00)<" in html, (median, html))


def problems():
    """Runs that fail or write something else do not count, and are told."""
    on_lunalloc = "import os, sys, time; ours = 'lunalloc' in os.environ.get('LD_PRELOAD', '')\n"
    for program, words, options in (
            ("if ours: sys.exit(7)", "it ends with status 7", ()),
            ("if ours: os.kill(os.getpid(), 11)", "signal 11, Segmentation fault, has ended it", ()),
            ("print(ours)", "it writes something else than on glibc", ["--compare-output"])):
        result, all_of_them = figures(["--runs", 2, "--only", "lunalloc", *options],
                                      *python(on_lunalloc + program), status=1)
        expect(f"lunalloc: 2 of 2 runs do not count: {words}" in result["notes"], result["notes"])
        expect(not all_of_them["lunalloc"]["figures"] and all_of_them["glibc"]["figures"], result)
    expect(figures(["--only", "lunalloc", "--runs", 1], *python(on_lunalloc + "print(ours)"))[1]
           ["lunalloc"]["figures"], "other output counts if nobody compares it")
    expect_failure(3, "lunalloc: it takes longer than --timeout",
                   ["--only", "lunalloc", "--timeout", 3],
                   *python(on_lunalloc + "time.sleep(600 if ours else 0)"))


def expect_failure(status, words, options, *command, **how):
    """It fails so, in one line that has these words."""
    seen = bench(["-q", *options], *command, **how)
    lines = own_words(seen[2])
    expect(seen[0] == status and len(lines) == 1 and words in lines[0] and seen[1] == "",
           f"{command}: not {words!r}: {seen}")


def not_in_force():
    """Static programs, programs with more rights, libraries that are none."""
    static = os.path.abspath(sys.argv[4])
    expect_failure(3, "is a static program", [], static)
    expect_failure(2, "there is no such program", [], "/no/such/program")
    expect_failure(1, "it ends with status 3", [], "sh", "-c", "exit 3")
    expect_failure(1, "cannot be run", [], "/etc/passwd")
    expect_failure(2, "want NAME=PATH", ["--with", "x"], "true")
    expect_failure(2, "there is no such file", ["--with", "x=/no/such"], "true")
    expect_failure(2, "no shared library for this machine", ["--with", "x=/etc/passwd"], "true")
    expect_failure(2, "--only x: there is none here", ["--only", "x"], "true")
    with tempfile.TemporaryDirectory() as folder:
        plain = [path for path in ("/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6",
                                   "/lib64/libm.so.6") if os.path.exists(path)][0]
        expect_failure(3, "x: malloc was that of ", ["--with", f"x={plain}", "--only", "x"], "true")
        status, text, _ = bench(["-q", "--runs", 1, "--with", f"x={plain}", "--only", "x",
                                 "--only", "lunalloc"], "true")
        expect(status == 1 and "note: x is left out: malloc was that of " in text, (status, text))
        if os.geteuid() != 0:
            skip("only root makes setuid programs of others")
        os.chmod(folder, 0o755)
        risen = f"{folder}/risen"
        shutil.copy("/bin/true", risen)
        os.chown(risen, NOBODY, NOBODY)
        os.chmod(risen, 0o4755)
        expect_failure(3, "more rights than its caller (setuid", [], risen)


def own():
    """A program that has another malloc than glibc's is told, and children that have."""
    result, all_of_them = figures(["--runs", 1, "--only", "lunalloc"], "/bin/true",
                                  env={**os.environ, "LD_PRELOAD": library})
    expect(list(all_of_them) == ["own", "lunalloc"], all_of_them.keys())
    expect(f"own is the malloc that the program has without luna: {library}" in result["notes"],
           result["notes"])
    result, _ = figures(["--runs", 1, "--only", "lunalloc"], "sh", "-c",
                        "/bin/true; env -u LD_PRELOAD /bin/true; true")
    # The shell, and twice /bin/true: env becomes the second.
    expect("lunalloc was the malloc of 2 of 3 processes" in result["notes"], result["notes"])


def kept():
    """What the runs write goes where it is wanted; so do stdin and what is preloaded."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "input"
        source.write_text("some words\n")
        output = pathlib.Path(folder) / "output"
        output.mkdir()
        status, _, messages = bench(
            ["-q", "--runs", 1, "--only", "lunalloc", "--input", source, "-o", output],
            "sh", "-c", "cat; echo $LD_PRELOAD; echo wrong >&2",
            env={**os.environ, "LD_PRELOAD": "libm.so.6"})
        expect(status == 0 and not own_words(messages), messages)
        files = {path.name: path.read_text() for path in output.iterdir()}
        wanted = {}
        for round_number in "01":
            wanted |= {f"glibc.{round_number}.out": "some words\nlibm.so.6\n",
                       f"lunalloc.{round_number}.out": f"some words\n{library}:libm.so.6\n",
                       f"glibc.{round_number}.err": "wrong\n",
                       f"lunalloc.{round_number}.err": "wrong\n"}
        expect(files == wanted, files)


def interrupted():
    """The command ends with luna, by a signal and by the terminal; nothing stays."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TMPDIR": folder}
        mark = os.path.join(folder, "mark")
        program = f"import os, time; open({mark!r}, 'w').write(str(os.getpid())); time.sleep(600)"
        words = [luna, "bench", "--lib", library, "-q", "--", *python(program)]
        with subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL) as process:
            end_when_running(mark, process.terminate)
            expect(process.wait(60) == -signal.SIGTERM, process.returncode)
        expect(os.listdir(folder) == [], os.listdir(folder))
        process, terminal = pty.fork()
        if process == 0:
            os.execve(luna, words, environment)
        end_when_running(mark, lambda: os.write(terminal, b"\x03"))
        with contextlib.suppress(OSError):
            while os.read(terminal, 1000):
                pass
        ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        expect(ended == -signal.SIGINT and os.listdir(folder) == [], (ended, os.listdir(folder)))


def end_when_running(mark, end):
    """Calls it when the command runs, which must end then."""
    wait_for(lambda: os.path.exists(mark) and pathlib.Path(mark).read_text(), "it does not begin")
    number = pathlib.Path(mark).read_text()
    os.unlink(mark)
    end()
    wait_for(lambda: not is_running(number), "the command stays")


def is_running(number):
    """Whether there is such a process, which has not ended."""
    try:
        return pathlib.Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        time.sleep(0.01)
        return False


{"found": found, "measures": measures, "told": told, "problems": problems,
 "not_in_force": not_in_force, "own": own, "kept": kept, "interrupted": interrupted}[sys.argv[1]]()
