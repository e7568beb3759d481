# SPDX-License-Identifier: MIT
"""`luna top` of a real process, in a real terminal and without one.

Usage: top_test.py PART LIBRARY LUNA
"""
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import BUSY, ask, expect, expect_failure, luna, output_of, running, wait_for
from terminal import terminal

os.environ.pop("XDG_RUNTIME_DIR", None)
os.environ.pop("NO_COLOR", None)

SAMPLES = "profile:true,profile_interval:1000,profile_cpu_percent:0"
QUICK = ("--interval", "0.2")
SIZE = r"-?\d+(?:\.\d)? (?:[KMGTPE]i)?B"
# Where the figures of a table end, and its name follows.
TABLES = {"SITES": rf"[> ] +{SIZE} +(?:{SIZE}/s|-) +\d+  \S",
          "HEAPS": rf"[> ] +{SIZE} +{SIZE} +(?:{SIZE}|-) +(?:{SIZE}|-) +\d+  \S",
          "SIZE CLASSES": rf"[> ] +{SIZE} +\d+ +{SIZE} +\d+\.\d % +{SIZE}  \[#*\.*\]"}
HEAD = [r"luna top  python3 \(\d+\)  1 all +(?:ENDED  |FROZEN  )?\d\d:\d\d:\d\d",
        rf"RSS {SIZE}(?: [+-]{SIZE}/s)?  live {SIZE}(?: [+-]{SIZE}/s)?(?:  committed {SIZE})?",
        r"\[S+L*K*F*T*P*o+\]",
        rf"S slabs {SIZE}  L large {SIZE}  K kept {SIZE}  F free {SIZE}(?:  T tables {SIZE})?"
        rf"(?:  P profiler {SIZE})?",
        rf"(?:T tables {SIZE}  )?(?:P profiler {SIZE}  )?o other {SIZE}",
        rf"allocates (?:{SIZE}/s|-|- \(no samples: p\))  refills (?:\d+/s|-)  faults (?:\d+/s|-)"
        rf"  given back (?:{SIZE}/s|-)"]


def expect_readable(lines, width, head=None):
    """All sections are there, and no figure is cut."""
    head = head or HEAD
    for line, pattern in zip(lines, head):
        expect(re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}")
    expect(max(map(len, lines)) <= width, "a line is too long")
    places = [next((i for i, line in enumerate(lines) if re.search(rf"\b{title} \d+", line)), None)
              for title in TABLES]
    pressure = next((i for i, line in enumerate(lines) if line.startswith(" PRESSURE ")), None)
    expect(None not in places and pressure, f"a section is missing: {places}, {pressure}")
    for (title, pattern), begin, end in zip(TABLES.items(), places, [*places[1:], pressure]):
        rows = [line for line in lines[begin + 1:end] if line]
        expect(rows, f"{title} has no rows")
        for row in rows:
            expect(re.match(pattern, row), f"{title}: {row!r} is not {pattern!r}")
    expect(re.match(r"stalls in 10 s: some \d+\.\d %, all \d+\.\d %  faults with input (\d+/s|-)"
                    r"  events \d+$", lines[pressure + 1].replace("some -, all -",
                                                                  "some 0.0 %, all 0.0 %")),
           lines[pressure + 1])


def has_picture(text):
    """Whether there is one with rates."""
    return re.search(r"allocates \d", text) is not None


def sorted_by(text, kind):
    """The caption that has the mark."""
    line = next(line for line in text.split("\n") if re.search(rf"\b{kind} \d+", line))
    return re.search(r"(\w+) ([v^])", line).groups()


def figures_of(text, kind, column):
    """Of a view of one table, in bytes."""
    units = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
    rows = [line for line in text.split("\n")[7:-1] if line]
    expect(f"{kind} " in text.split("\n")[6] and rows, f"no view of {kind}: {text}")
    cells = [re.findall(SIZE, row)[column].split(" ") for row in rows]
    return [float(number) * units[unit] for number, unit in cells]


def views():
    """Each view by its key and by Tab; help; each way to go."""
    with running(BUSY, SAMPLES) as guest, terminal("top", guest.number, *QUICK) as screen:
        guest.do("exec('for i in range(300): kept.append(bytes(70_000))')")
        screen.wait(has_picture, "no picture")
        titles = ["1 all", "2 sites", "3 heaps", "4 size classes", "5 pressure"]
        words = ["SIZE CLASSES", "SITES", "HEAPS", "SIZE CLASSES", "LIMITS"]
        for key, (title, word) in enumerate(zip(titles, words), 1):
            screen.press(str(key))
            screen.wait(lambda text, title=title, word=word:
                        f")  {title}" in text and word in text, f"no view {title}")
        for title in titles:
            screen.press("Tab")
            screen.wait(lambda text, title=title: f")  {title}" in text, f"no {title} by Tab")
        screen.press("1")
        for key in ("?", "h"):
            screen.press(key)
            screen.wait(lambda text: "KEYS, any key goes back" in text and "quit, also" in text,
                        "no help")
            screen.press("x")
            screen.wait(lambda text: "KEYS" not in text and "SITES" in text, "help stays")
        screen.press("q")
        expect(screen.wait_end() == 0, "q")


def sorts():
    """By each column, both ways, in each table."""
    with running(BUSY, SAMPLES) as guest, terminal("top", guest.number, *QUICK) as screen:
        guest.do("exec('for i in range(300): kept.append(bytes(70_000))')")
        screen.wait(has_picture, "no picture")
        for key, kind, columns in (("2", "SITES", ("live", "alloc", "objects")),
                                   ("3", "HEAPS", ("live", "cached", "resident", "limit",
                                                   "denied")),
                                   ("4", "SIZE CLASSES", ("used", "blocks", "free", "full",
                                                          "block"))):
            screen.press(key)
            for column in (*columns[1:], columns[0]):
                screen.wait(lambda text, kind=kind: re.search(rf"\b{kind} \d+", text), kind)
                screen.press("s")
                screen.wait(lambda text, kind=kind, column=column:
                            sorted_by(text, kind) == (column, "v"), f"{kind} by {column}")
            falling = figures_of(screen.text(), kind, 0)
            expect(falling == sorted(falling, reverse=True), f"{kind}: {falling}")
            screen.press("r")
            rising = figures_of(screen.wait(lambda text, kind=kind, column=columns[0]:
                                            sorted_by(text, kind) == (column, "^"), "r"), kind, 0)
            expect(rising == sorted(rising), f"{kind}: {rising}")
        screen.press("q")
        expect(screen.wait_end() == 0, "q")


def choices():
    """A row is chosen and its stack opened; a filter; what is frozen stays."""
    with running(BUSY, SAMPLES) as guest, terminal("top", guest.number, *QUICK) as screen:
        guest.do("exec('for i in range(300): kept.append(bytes(70_000))')")
        marks = lambda text: "".join(line[:1] or " " for line in text.split("\n")[7:])
        chosen = lambda text: marks(text).find(">")  # -1: the screen is being drawn
        screen.wait(has_picture, "no picture")
        screen.press("2")
        screen.wait(lambda text: ")  2 sites" in text and chosen(text) == 0, "the first")
        for keys, row in ((("Down",), 1), (("j",), 2), (("Up",), 1), (("k",), 0),
                          (("PageDown",), 10), (("PageUp",), 0)):
            screen.press(*keys)
            screen.wait(lambda text, row=row: chosen(text) == row, f"{keys}: row {row}")
        screen.press("Enter")
        screen.wait(lambda text: re.search(rf"STACK.*\n *live {SIZE} in \d+ objects  allocated"
                                           rf" {SIZE} in all", text) and
                    re.search(r"\n   1 \S.*\n   2 \S", text) and "python" in text, "no stack")
        screen.press("Down")
        screen.wait(lambda text: "\n   1 " not in text and "\n   2 " in text, "it does not move")
        screen.press("Escape")
        screen.wait(lambda text: "STACK" not in text and "SITES" in text, "the stack stays")
        screen.press("/")
        screen.wait(lambda text: text.endswith("filter: _  (Enter keeps it, Esc takes it away)"),
                    "no filter")
        screen.press("zq9", "BSpace")
        screen.wait(lambda text: "SITES 0 of" in text and "none has the text zq" in text, "zq")
        screen.press("Escape")
        screen.wait(lambda text: re.search(r"SITES \d\d", text) and " of " not in
                    text.split("\n")[6], "the filter stays")
        screen.press("/")
        screen.press("BYTES", "Enter")
        screen.wait(lambda text: re.search(r"SITES \d+ of \d+ with BYTES", text) and
                    "filter:" not in text and ">" in text, "capital letters")
        screen.press("Escape")
        for key in ("f", "Space"):
            screen.press(key)
            frozen = screen.wait(lambda text: "FROZEN" in text, "it runs on")
            guest.do("exec('for i in range(300): kept.append(bytes(70_000))')")
            output_of("top", guest.number, "--count", 5, *QUICK)  # the other looks meanwhile too
            expect(screen.text() == frozen, "it is not frozen")
            screen.press(key)
            screen.wait(lambda text, frozen=frozen: "FROZEN" not in text and
                        text.split("\n")[1] != frozen.split("\n")[1], "it stays frozen")
        screen.press("q")
        expect(screen.wait_end() == 0, "q")


def sampling():
    """p begins and ends it, and however luna ends the process is as it was."""
    def is_active():
        return output_of("ctl", guest.number, "profile.active") == "profile.active = true\n"

    with running(BUSY, "profile_interval:1000") as guest:
        for end in ("q", "C-c", signal.SIGTERM):
            with terminal("top", guest.number, *QUICK) as screen:
                screen.wait(lambda text: re.search(r"HEAPS \d", text), "no picture")
                if end == "q":  # the first time
                    screen.wait(lambda text: "SITES 0" in text and "the key p" in text and
                                "allocates - (no samples: p)" in text, "samples from nowhere")
                screen.press("p")
                screen.wait(has_picture, "no samples")
                expect(is_active(), "no samples are taken")
                if end == "q":
                    screen.press("p")
                    screen.wait(lambda text: "(no samples: p)" in text, "samples are taken on")
                    expect(not is_active(), "samples are taken on")
                    screen.press("p")
                    screen.wait(has_picture, "no samples")
                if isinstance(end, str):
                    screen.press(end)
                else:
                    os.kill(screen.program(), end)
                wanted = {"q": 0, "C-c": 128 + signal.SIGINT}.get(end, 128 + signal.SIGTERM)
                expect(screen.wait_end() == wanted, f"{end}")
            expect(not is_active(), f"samples are taken on after {end}")
            expect(not guest.serves(), f"it serves on after {end}")


def sizes():
    """80 columns and 24 rows are readable, more have more, less say so."""
    with running(BUSY, SAMPLES) as guest, terminal("top", guest.number, *QUICK) as screen:
        guest.do("exec('for i in range(300): kept.append(bytes(70_000))')")
        text = screen.wait(has_picture, "no picture")
        expect_readable(text.split("\n"), 80)
        expect(text.split("\n")[23].startswith("q quit  ? help"), "no keys")
        sites = lambda text: text.split("\n").index(
            next(line for line in text.split("\n") if " HEAPS " in line)) - 7
        few = sites(text)
        for columns, rows in ((132, 50), (81, 24), (200, 60)):
            screen.resize(columns, rows)
            text = screen.wait(lambda text, columns=columns, rows=rows:
                               re.search(r"^\[.*\]$", text, re.M) and
                               len(text.split("\n")[2]) == columns and
                               text.split("\n")[rows - 1].startswith("q quit"),
                               f"it is not {columns} by {rows}")
            head = HEAD if columns < 100 else HEAD[:3]
            expect_readable(text.split("\n"), columns, head)
            expect(rows == 24 or sites(text) > few, "there is room for more")
        for columns, rows in ((79, 24), (80, 23), (20, 5)):
            screen.resize(columns, rows)
            screen.wait(lambda text: text.startswith("luna top needs 80") and "SITES" not in text,
                        f"{columns} by {rows}")
        screen.resize(80, 24)
        expect_readable(screen.wait(has_picture, "too small").split("\n"), 80)
        screen.press("q")
        expect(screen.wait_end() == 0, "q")


def terminals():
    """Of all kinds, in all locales; where text cannot be placed there are plain lines."""
    with running(BUSY, SAMPLES) as guest:
        for variables in ({"TERM": "linux"}, {"TERM": "xterm-256color"}, {"TERM": "screen"},
                          {"TERM": "vt100"}, {"TERM": "xterm-256color", "LC_ALL": "C"},
                          {"TERM": "xterm-256color", "LC_ALL": "", "LANG": "no_WHERE.UTF-8"},
                          {"TERM": "xterm-256color", "NO_COLOR": "1"}):
            with terminal("top", guest.number, *QUICK, **variables) as screen:
                text = screen.wait(has_picture, f"no picture: {variables}")
                expect_readable(text.split("\n"), 80)
                has_colours = re.search(r"\x1b\[[0-9;]*4[1-7]m", screen.coloured()) is not None
                wanted = variables["TERM"] != "vt100" and "NO_COLOR" not in variables
                expect(has_colours == wanted, f"colours: {has_colours}: {variables}")
                screen.press("4")
                screen.wait(lambda text: "4 size classes" in text, f"no keys: {variables}")
                screen.press("q")
                expect(screen.wait_end() == 0, "q")
        for name, words in (("dumb", "`dumb` cannot move"), ("nonsense", "`nonsense` of TERM"),
                            ("", "TERM is not set")):
            with terminal("top", guest.number, "--count", 1, size=(130, 50), TERM=name) as screen:
                expect(screen.wait_end() == 0, f"TERM={name}")
                text = screen.ask("capture-pane", "-p", "-S", "-")  # what has scrolled away too
                expect(text.startswith("luna: ") and words in text and "; plain lines" in text and
                       "SIZE CLASSES" in text, text)


def plain():
    """Without a terminal there are lines, a block for each interval."""
    with running(BUSY, SAMPLES) as guest:
        guest.do("exec('for i in range(300): kept.append(bytes(70_000))')")
        text = output_of("top", guest.number, "--count", 3, *QUICK)
        blocks = text.split("\n\n")
        expect(len(blocks) == 3 and re.fullmatch(r"[ -~\n]*", text), text)
        for block in blocks:
            expect_readable(block.rstrip("\n").split("\n"), 120, HEAD[:3])
        expect("allocates -" in blocks[0] and has_picture(blocks[1]), "rates need two looks")
        expect("q quit" not in text and ">" not in text, "there are no keys")
        expect(ask("top", guest.number, "--interval", "0")[0] == 2, "no interval")
    expect_failure(3, "there is no process", "top", 2 ** 22 + 1)
    expect_failure(3, "does not run on", "top", os.getpid())


def ends():
    """The process ends: it is said, and the last picture stays."""
    with running(BUSY, SAMPLES) as guest:
        with terminal("top", guest.number, *QUICK) as screen, \
                subprocess.Popen([luna, "top", str(guest.number), *QUICK], text=True,
                                 stdout=subprocess.PIPE) as lines:
            screen.wait(has_picture, "no picture")
            expect(lines.stdout.readline().startswith("luna top"), "no lines")
            guest.process.stdin.close()
            text = screen.wait(lambda text: "ENDED" in text, "nobody says so")
            expect("the process ended at" in text.split("\n")[23], text)
            expect_readable(text.split("\n"), 80)
            screen.press("4")
            screen.wait(lambda text: "4 size classes" in text and "ENDED" in text, "no keys")
            screen.press("q")
            expect(screen.wait_end() == 0, "q")
            expect(lines.stdout.read().endswith(f"python3 ({guest.number}) has ended\n") and
                   lines.wait() == 0, "lines go on")


def stopped():
    """A process that does not answer is told of, and is looked at again when it does."""
    with running(BUSY, SAMPLES) as guest, terminal("top", guest.number, *QUICK) as screen:
        screen.wait(has_picture, "no picture")
        os.kill(guest.number, signal.SIGSTOP)
        screen.wait(lambda text: "is stopped; `kill -CONT" in text and "SITES" in text, "stopped")
        os.kill(guest.number, signal.SIGCONT)
        screen.wait(lambda text: "is stopped" not in text and has_picture(text), "it stays so")
        screen.press("q")
        expect(screen.wait_end() == 0, "q")


def hostile():
    """Nothing of the process reaches the terminal that is not printable."""
    name = 'import ctypes; ctypes.CDLL(None).prctl(15, b"\\x1b[2J\\xc3\\xa4\\x07x")'
    with running(BUSY, SAMPLES) as guest:
        guest.do(name)
        with terminal("top", guest.number, *QUICK) as screen:
            screen.wait(lambda text: text.startswith("luna top  ?[2J??x (") or
                        text.startswith("luna top  ?[2J???x ("), "another name")
            screen.press("q")
            expect(screen.wait_end() == 0, "q")
        text = output_of("top", guest.number, "--count", 1)
        expect(re.fullmatch(r"[ -~\n]*", text) and "?[2J" in text, text[:100])


globals()[sys.argv[1]]()
