# SPDX-License-Identifier: MIT
"""Programs that were written for jemalloc, on liblunalloc-jemalloc.so.

Usage: jemalloc_test.py PART LIBRARY ORDINARY-LIBRARY GUEST
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
HERE = pathlib.Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "jemalloc.md"
TABLE = HERE.parents[2] / "preload" / "jemalloc" / "table.cpp"
NAMES = {"mallocx", "rallocx", "xallocx", "sallocx", "dallocx", "sdallocx", "nallocx", "mallctl",
         "mallctlnametomib", "mallctlbymib", "malloc_stats_print", "malloc_conf", "malloc_message"}
part, library, ordinary, guest = sys.argv[1], *map(os.path.abspath, sys.argv[2:5])


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def skip(reason):
    """Ends the test as skipped."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def run(*command, **environment):
    """What a command prints, and what it says on stderr."""
    clean = {name: value for name, value in os.environ.items()
             if name not in ("LD_PRELOAD", "LUNALLOC_CONF", "MALLOC_CONF")}
    result = subprocess.run([str(word) for word in command], env={**clean, **environment},
                            capture_output=True, text=True, timeout=250, check=False)
    if result.returncode:
        sys.exit(f"failed: {command} ended with {result.returncode}:"
                 f" {result.stdout}{result.stderr}")
    return result.stdout, result.stderr


def run_guest(*arguments, **environment):
    return run(guest, *arguments, LD_PRELOAD=library, **environment)


def exports(path):
    """The names that a library exports."""
    lines = run("nm", "-D", "--defined-only", path)[0].splitlines()
    return {line.split()[-1] for line in lines}


def names(_):
    """The ordinary library is not taken for jemalloc; the other one has all that it has."""
    expect(not exports(ordinary) & NAMES, "the ordinary library has names of jemalloc")
    expect(exports(library) == exports(ordinary) | NAMES, "the library lacks names, or has more")
    needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", library)[0])
    expect(all(name.startswith(("libc.so", "ld-linux")) for name in needed), f"it needs {needed}")


def page(_):
    """The page tells of each name, and of no other."""
    table = set(re.findall(r'^    {"([^"]+)"', TABLE.read_text(), re.M))
    section = re.search(r"^## Names of mallctl$.*?^##", PAGE.read_text(), re.M | re.S)[0]
    rows = set(re.findall(r"^\| `([a-z_.<>]+)`", section, re.M))
    told = {row.replace("<i>", "#") for row in rows}
    expect(len(table) > 50, "the table was not found")
    expect(table == told, f"docs/jemalloc.md and the table differ: {sorted(table ^ told)}")


def printed(_):
    """malloc_stats_print gives the statistics as text and as JSON, without what it should omit."""
    expect("Bytes of blocks in use" in run_guest("text")[0], "there is no text")
    whole, short = (json.loads(run_guest(form)[0]) for form in ("json", "short"))
    expect(whole["classes"] and whole["threads"], "lists are missing")
    expect(not short.get("classes") and not short.get("threads"), "lists are not left out")
    output, errors = run_guest("messages")
    expect("Bytes of blocks in use" in output and "Bytes of blocks in use" in errors,
           "what goes to stderr or to malloc_message is missing")


def values_of(**environment):
    """The options that are in force, by control; and what is said on stderr."""
    output, errors = run_guest("options", **environment)
    return dict(line.split("=", 1) for line in output.split()), errors


def conf(_):
    """Options for jemalloc: the program's, the environment's, and LUNALLOC_CONF before both."""
    values, errors = values_of()
    expect(values["decay.ms"] == "4000" and values["profile.interval"] == "65536", values)
    expect(values["profile.active"] == "false" and not errors, values)
    values, _ = values_of(
        MALLOC_CONF="dirty_decay_ms:-1,prof:true,prof_active:false,prof_prefix:a/b")
    expect(values["dirty_decay_ms"] == "-1" and values["profile.active"] == "false", values)
    expect(values["profile.file"] == "a/b.%p.%n" and values["profile.format"] == "heap_v2", values)
    values, errors = values_of(MALLOC_CONF="prof:true,junk:true,wrong", LUNALLOC_CONF="decay_ms:70")
    expect(values["profile.active"] == "true" and values["decay.ms"] == "70", values)
    expect(not errors, f"it complains: {errors}")
    values, _ = values_of(MALLOC_CONF="prof:true", LUNALLOC_CONF="profile:false")
    expect(values["profile.active"] == "false", values)
    values, errors = values_of(
        MALLOC_CONF="confirm_conf:true,narenas:4,dirty_decay_ms:99999999999999999")
    expect("MALLOC_CONF: narenas:4 is ignored" in errors, errors)
    expect("malloc_conf: dirty_decay_ms:4000 sets decay.ms" in errors, errors)
    expect("MALLOC_CONF: dirty_decay_ms:99999999999999999 is ignored" in errors, errors)
    expect(values["decay.ms"] == "4000", values)


def profile(folder):
    """prof.dump writes what jeprof reads, also under a name of its own."""
    path = folder / "asked.heap"
    run_guest("profile", path, MALLOC_CONF=f"lg_prof_sample:10,prof_prefix:{folder}/named")
    named = list(folder.glob("named.*.heap"))
    expect(len(named) == 1, f"there are {named}")
    for file in (path, named[0]):
        text = file.read_text()
        expect(text.startswith("heap_v2/1024\n") and "MAPPED_LIBRARIES" in text, file.name)


def disabled(_):
    """With enabled:false the functions work on the C library's blocks."""
    run_guest("disabled", LUNALLOC_CONF="enabled:false")


def compiled(folder, *flags):
    """The C program, linked as said."""
    compiler = shutil.which("cc") or skip("there is no C compiler")
    program = folder / "program"
    run(compiler, "-std=gnu11", "-O2", "-fno-builtin", "-Wall", "-Wextra", "-Werror",
        HERE / "header_guest.c", *flags, "-o", program)
    return program


def header(folder):
    """A program of Debian's libjemalloc-dev is ours by LD_PRELOAD, by linking, by another name."""
    if not pathlib.Path("/usr/include/jemalloc/jemalloc.h").exists():
        skip("libjemalloc-dev is not installed")
    theirs = compiled(folder, "-ljemalloc")
    expect("libjemalloc.so.2" in run("readelf", "-d", theirs)[0], "it does not need jemalloc")
    said = [run(theirs)[0], run(theirs, LD_PRELOAD=library)[0]]
    (folder / "libjemalloc.so.2").symlink_to(library)
    said.append(run(theirs, LD_LIBRARY_PATH=str(folder))[0])
    directory = os.path.dirname(library)
    ours = compiled(folder, f"-L{directory}", "-llunalloc-jemalloc", f"-Wl,-rpath,{directory}")
    said.append(run(ours)[0])
    expect(["lunalloc" in version for version in said] == [False, True, True, True], said)


def ask(folder, *words):
    """What the server answers."""
    output = run("redis-cli", "-s", folder / "redis.sock", *words)[0].strip()
    expect(not output.startswith("ERR"), f"{words}: {output}")
    return output


def memory_of(folder):
    """Numbers of INFO memory, by name."""
    lines = re.findall(r"^(\w+):(-?\d+)\s*$", ask(folder, "INFO", "memory"), re.M)
    return {name: int(number) for name, number in lines}


def started(folder):
    """A redis-server of Debian's, which is linked with jemalloc."""
    command = ["redis-server", "--port", "0", "--unixsocket", folder / "redis.sock", "--save", "",
               "--dir", folder, "--enable-debug-command", "yes"]
    log = open(folder / "log", "wb")
    server = subprocess.Popen(list(map(str, command)), env={**os.environ, "LD_PRELOAD": library},
                              stdout=log, stderr=log)
    while not (folder / "redis.sock").exists() and server.poll() is None:
        time.sleep(0.02)
    return server


def look_at_server(folder):
    """The figures make sense when it is full, and when it has been emptied."""
    ask(folder, "DEBUG", "POPULATE", "200000", "key", "300")
    ask(folder, "DEBUG", "MALLCTL", "epoch")
    expect("lunalloc" in ask(folder, "DEBUG", "MALLCTL-STR", "version"), "jemalloc answers itself")
    time.sleep(0.5)  # the server asks for figures from time to time
    full = memory_of(folder)
    expect(full["allocator_allocated"] > 60 << 20, full)
    expect(full["used_memory"] <= full["allocator_allocated"] <= full["allocator_active"], full)
    expect(full["allocator_active"] <= full["allocator_resident"], full)
    expect(full["allocator_resident"] <= full["used_memory_rss"] + (8 << 20), full)
    ask(folder, "FLUSHALL")
    expect(ask(folder, "MEMORY", "PURGE") == "OK", "it cannot purge")
    time.sleep(0.5)
    empty = memory_of(folder)
    expect(empty["allocator_resident"] < full["allocator_resident"] // 4, empty)
    expect("Bytes of blocks in use" in ask(folder, "MEMORY", "MALLOC-STATS"), "no MALLOC-STATS")
    stats = ask(folder, "MEMORY", "STATS").split()
    expect(int(stats[stats.index("allocator.allocated") + 1]) > 0, stats)
    subprocess.run(["redis-cli", "-s", str(folder / "redis.sock"), "CONFIG", "SET", "activedefrag",
                    "yes"], capture_output=True, check=True)  # refused by this build of redis
    expect(ask(folder, "PING") == "PONG", "it does not answer")


def redis(folder):
    """redis-server finds what it asks jemalloc for."""
    if shutil.which("redis-server") is None or shutil.which("redis-cli") is None:
        skip("redis-server or redis-tools is not installed")
    server = started(folder)
    try:
        expect(server.poll() is None, (folder / "log").read_text())
        look_at_server(folder)
    finally:
        server.terminate()
        server.wait(60)
    expect(server.returncode == 0, (folder / "log").read_text()[-2000:])


with tempfile.TemporaryDirectory(prefix="lunalloc-jemalloc-") as top:
    {"names": names, "page": page, "printed": printed, "conf": conf, "profile": profile,
     "disabled": disabled, "header": header, "redis": redis}[part](pathlib.Path(top))
print("as it should be")
