# SPDX-License-Identifier: MIT
"""`luna map` on processes and on files.

Usage: luna_test.py PART LIBRARY LUNA
"""
import json
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "reach"))
from support import BUSY, IDLE, ask, expect, expect_failure, output_of, running

WORK = "kept.append([bytes(100 + i % 5000) for i in range(20_000)] + [bytes(9_000_000)])"
LINE = re.compile(r"0x[0-9a-f]+ \|[ .\-=+#]{32}\| +[\d.]+ \w+ +[\d.]+ %( \w+)?( \".*\")?")


def check_text(text):
    """Each line of a region is one; the rest says what they mean."""
    lines = text.splitlines()
    regions = [line for line in lines if line.startswith("0x")]
    for line in regions:
        expect(LINE.fullmatch(line) and len(line) < 80, line)
    expect(regions == sorted(regions), "not by address")
    found = re.search(r"^(\d+) regions of ", text, re.M)
    expect(found and int(found[1]) == len(regions), text)
    expect("\nFragmentation: " in text and " hold no block:\n" in text, text)


def process():
    """One that has no socket, and one that is none."""
    with running(BUSY) as guest:
        guest.do(WORK)
        text = output_of("map", guest.number)
        check_text(text)
        expect("|" + "#" * 32 + "|   8.0 MiB 100.0 %" in text, f"the large block: {text}")
        whole = json.loads(output_of("map", guest.number, "--json"))
        expect(whole["format"] == "lunalloc map" and whole["complete"], "not as it is")
        expect(not guest.serves(), "the socket was left on")
    expect_failure(3, "no process", "map", 4_000_000)


def file():
    """What map_at_exit wrote; cut short at every KiB; others."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "app.map.json"
        with running(IDLE, f"map_at_exit:true,profile_file:{folder}/app") as guest:
            guest.do(WORK)
        written = path.read_bytes()
        check_text(output_of("map", path))
        expect(output_of("map", path, "--json").encode() == written, "not as it is")
        cut = pathlib.Path(folder) / "cut"
        for end in range(0, len(written) - 1, 1024):
            cut.write_bytes(written[:end])
            status, text, message = ask("map", cut)
            expect(message.startswith("luna: ") and message.count("\n") == 1, message)
            expect(status == (5 if end else 3), f"{status} at {end}: {message}")
            expect(not text or "\nFragmentation: " in text, f"at {end}")
        path.write_text('{"format":"lunalloc-heap-profile","version":1}')
        expect_failure(3, "it is no map of pages", "map", path)
        path.write_text('{"format":"lunalloc map","version":2,"regions":[]}')
        expect_failure(4, "version 2", "map", path)
        expect_failure(1, "cannot be read", "map", folder)


def main():
    {function.__name__: function for function in (process, file)}[sys.argv[1]]()


if __name__ == "__main__":
    main()
