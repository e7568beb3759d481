# SPDX-License-Identifier: MIT
"""What the commands of gdb say of a process and of a core file, beside what the library says.

Usage: gdb_test.py PART LIBRARY GUEST SCRIPT LOOK
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

library, guest, script, look = (os.path.abspath(path) for path in sys.argv[2:])
SKIPPED = 77


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def gdb(*commands, arguments=(), preload=None, conf="", options=()):
    """What it prints, of commands that may fail."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("DEBUGINFOD_URLS", "PYTHONPATH", "PYTHONHOME")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # the commands may lie in the source
    words = ["gdb", "-nx", "-batch", *options]
    if preload:
        commands = (f"set environment LD_PRELOAD {preload}",
                    f"set environment LUNALLOC_CONF {conf}", "set startup-with-shell off", *commands)
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run([*words, *arguments], env=environment, capture_output=True, text=True,
                          timeout=200, check=False)
    if "Could not trace" in done.stderr or "ptrace: Operation not permitted" in done.stderr:
        print("skip: no process may be traced here")
        sys.exit(SKIPPED)
    return done.stdout + done.stderr


def guest_says(text):
    """The figures of the library."""
    found = re.search(r'\{"classes".*\}$', text, re.M)  # gdb may begin a line before
    expect(found, f"the guest says nothing: {text}")
    return json.loads(found[0])


def figures(text):
    """Those of the commands."""
    found = re.search(r"^figures (.*)$", text, re.M)
    expect(found, f"there are no figures: {text}")
    return json.loads(found[1])


def expect_the_same(told, found):
    """The commands and the library agree, but for a block of 1 MiB that was freed in between."""
    mib = 1 << 20
    told["large_blocks"] -= 1
    told["large_bytes"] -= mib
    told["kept_bytes"] += mib
    rows = [row for row in told["classes"] if row[1]]
    expect(rows == [row for row in found["classes"] if row[1]], f"{told}, but {found}")
    for name, value in found.items():
        expect(name == "classes" or told[name] == value, f"{name}: {told[name]}, but {value}")
    expect(found["purged_bytes"] > 3 * mib and found["thread_cache_bytes"] > 20_000, found)


def explained(blocks, *arguments, before=()):
    """What `luna explain` says of each, by its name."""
    last = blocks["live"] // 32768 * 32768
    asked = {"inside": blocks["live"] + 5, "fresh": last + 290 * 112, "behind": last + 32760,
             "in large": blocks["large"] + 100_000, "in span": blocks["span"] + (30 << 20),
             "no page": blocks["live"] // (1 << 21) * (1 << 21) - 8, **blocks}
    commands = [f"luna explain {address}" for address in asked.values()]
    text = gdb(*before, f"source {script}", *commands, arguments=arguments)
    parts = re.split(r"^(?=0x[0-9a-f]+ is )", text, flags=re.M)[1:]
    expect(len(parts) == len(asked), text)
    return dict(zip(asked, parts, strict=True))


def check_explained(said, blocks):
    """Each is what the guest made it."""
    expect("class 6, blocks of 112 bytes" in said["live"], said["live"])
    for name, words in (
            ("live", "\n  live\n"), ("inside", "the address is 5 bytes behind its start"),
            ("freed", "free, in the list of thread "), ("large", "is in a run of pages\n"),
            ("fresh", "was never handed out"), ("behind", "behind the last block"),
            ("in large", "the address is 100000 bytes behind its start"),
            ("span", "is in a span of pages\n"), ("in span", "41943040 bytes; the address is"),
            ("listed", "free, in the list of thread "), ("kept", "free, kept for the next"),
            ("named", "of the heap 'cache'"), ("foreign", "is none of lunalloc's"),
            ("elsewhere", "free, in the list of the slab"),
            ("pending", "freed by another thread, not yet taken in")):
        expect(words in said[name], f"{name}: {said[name]}")
    for name in ("large", "span", "live"):
        expect("\n  live\n" in said[name] and f"block {blocks[name]:#x}, " in said[name], said[name])


def core(folder):
    """Of a core file: figures, blocks, and the largest of them."""
    path = f"{folder}/core"
    told = guest_says(gdb("break stopped", "run", f"gcore {path}", "kill", arguments=[guest],
                          preload=library))
    expect(os.path.exists(path), "there is no core file")
    arguments = [guest, path]
    text = gdb(f"source {script}", f"source {look}", "luna heap", "luna largest 2",
               arguments=arguments)
    expect_the_same(told, figures(text))
    expect(re.search(r"^heap 'cache'$", text, re.M), text)
    expect(re.search(r"^ +112 +\d+ +\d+ +\d+ +\d+ +\d+$", text, re.M), text)
    blocks = told["blocks"]
    largest = re.findall(r"^ *(\S+ \S+)  (0x\S+)  ([a-z ]+)$", text, re.M)
    expect(largest == [("40.0 MiB", f"{blocks['span']:#x}", "span of pages"),
                       ("296.0 KiB", f"{blocks['large']:#x}", "run of pages")], largest)
    check_explained(explained(blocks, *arguments), blocks)


def live(_):
    """Of a process that is stopped; a block that is a sample, as so large ones are, has its stack."""
    text = gdb("break stopped", "run", f"source {script}", f"source {look}", arguments=[guest],
               preload=library)
    expect_the_same(guest_says(text), figures(text))
    text = gdb("break stopped", "run", f"source {script}", "luna explain sampled",
               "luna explain small", arguments=[guest], preload=library,
               conf="profile:true,profile_interval:65536")
    expect(re.search(r" is in a span of pages\n  block 0x\S+, 41943040 bytes\n  live\n"
                     r"  sampled: 41943040 bytes were asked for at\n    0x\S+ main.*gdb_guest.cpp:\d",
                     text), text)
    expect(" is in a slab of class " in text and text.count("sampled:") == 1, text)


def others(_):
    """Blocks of pools, and guarded samples."""
    text = gdb("break stopped", "run", f"source {script}", "luna explain (char*)pooled + 7",
               "luna explain (char*)pooled + 300", "luna explain small",
               "luna explain (char*)small + 4096", arguments=[guest], preload=library,
               conf="profile:true,profile_interval:1,guard_samples:1,guard_slots:64")
    for words in ("a chunk of the pool 'requests': block live\n", "7 bytes behind its start\n",
                  "a chunk of the pool 'requests': block free\n", ", 208 bytes; the address is 92 ",
                  " is a guarded sample: live\n", ", 30 bytes\n", "sampled: 30 bytes were asked for",
                  " is in a page without access beside guarded samples\n"):
        expect(words in text, f"no {words!r} in {text}")


def loaded(folder):
    """gdb loads them by itself where they are installed."""
    scripts = f"{folder}/share/gdb/auto-load"
    place = pathlib.Path(scripts + os.path.realpath(os.path.dirname(library)))
    place.mkdir(parents=True)
    shutil.copy(script, place / f"{os.path.basename(library)}-gdb.py")
    shutil.copytree(pathlib.Path(script).parent / "lunalloc_gdb",
                    f"{folder}/share/lunalloc/gdb/lunalloc_gdb")
    text = gdb("break stopped", "run", "luna heap", arguments=[guest], preload=library,
               options=["-iex", f"set auto-load scripts-directory {scripts}",
                        "-iex", f"set auto-load safe-path {folder}"])
    expect(re.search(r"^ +\S+ MiB  in \d+ large blocks$", text, re.M), text)


def unknown(folder):
    """Without debug information, without lunalloc, or without sense it says so in a line."""
    stripped = f"{folder}/liblunalloc.so"
    subprocess.run(["strip", "-o", stripped, library], check=True)
    for preload in (stripped, "/usr/lib/libnothing.so"):
        text = gdb("break stopped", "break abort", "run", f"source {script}", "luna heap",
                   arguments=[guest], preload=preload)
        expect("there is no debug information of lunalloc here. If " in text, text)
        expect("Traceback" not in text, text)
    for command in ("luna explain", "luna explain nobody", "luna largest x"):
        text = gdb("break stopped", "run", f"source {script}", command, "echo end\\n",
                   arguments=[guest], preload=library)
        expect("Python" not in text and "Traceback" not in text and "end\n" in text, text)
    expect("usage: luna explain" in gdb(f"source {script}", "luna explain"), "usage")


PARTS = {part.__name__: part for part in (core, live, others, loaded, unknown)}
with tempfile.TemporaryDirectory() as scratch:
    PARTS[sys.argv[1]](scratch)
