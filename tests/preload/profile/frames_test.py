# SPDX-License-Identifier: MIT
"""Frames that an interpreter supplies, and code that a run-time compiler makes, in each format.

Usage: frames_test.py PART LIBRARY GUEST
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import profile_files

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
ROW = ("row of; table", "lib/db.py", 7)
QUERY = ("query", "lib/db.py", 20)
START = ("<main>", "", 0)
FOLDED = {ROW: "row_of__table@lib/db.py:7", QUERY: "query@lib/db.py:20", START: "<main>"}


def expect_equal(found, expected, what):
    """Fails unless they are the same."""
    if found != expected:
        sys.exit(f"failed: {what}: {found}, not {expected}")


def expect(condition, what):
    """Fails unless it holds."""
    if not condition:
        sys.exit(f"failed: {what}")


def run(folder, part, conf=""):
    """Runs a part of the guest, with all that it writes in the folder."""
    os.mkdir(f"{folder}/child")
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, folder, part], env=environment, capture_output=True,
                            text=True, timeout=200, check=False)
    if result.returncode == 77:
        print(result.stdout)
        sys.exit(77)
    if result.returncode:
        sys.exit(f"failed: {part} ended with {result.returncode}: {result.stdout}{result.stderr}")


class Sites:
    """The sites of a profile by their frames of the interpreter, in each format."""

    def __init__(self, folder):
        self.folder = folder
        self.profile = profile_files.JsonProfile(f"{folder}/frames.json", guest)
        expect_equal(self.profile.text["dropped_samples"], 0, "dropped")

    def in_json(self):
        """Live objects and bytes, and whether addresses follow."""
        found = {}
        for site in self.profile.text["sites"]:
            named = [frame for frame in site["frames"] if isinstance(frame, dict)]
            rest = site["frames"][len(named):]
            expect(all(isinstance(frame, str) for frame in rest), "frames that stand behind")
            if named or (rest and self.profile.name(rest[0]) == "keep"):
                if rest:
                    expect_equal(self.profile.name(rest[0]), "keep", "behind them")
                key = (tuple((frame["function"], frame["file"], frame["line"])
                             for frame in named), bool(rest))
                objects, size = found.get(key, (0, 0))
                found[key] = (objects + site["live"]["objects"], size + site["live"]["bytes"])
        return found

    def in_pprof(self):
        """Live objects and bytes by the frames of the interpreter; none: all others."""
        profile = profile_files.PprofProfile(f"{self.folder}/frames.pb.gz")
        found = {}
        for (addresses, values), names in zip(profile.samples, profile.names, strict=True):
            expect(all(address == 0 for address in addresses[:len(names)]), "addresses of names")
            key = (tuple(names), len(addresses) > len(names))
            objects, size = found.get(key, (0, 0))
            found[key] = (objects + values[2], size + values[3])
        return {key: value for key, value in found.items() if key[0]}

    def folded(self):
        """Live bytes by the innermost frames, as they are written."""
        found = {}
        known = set(FOLDED.values())
        for line in pathlib.Path(f"{self.folder}/frames.folded").read_text().splitlines():
            stack, _, number = line.rpartition(" ")
            frames = stack.split(";")
            named = [frame for frame in reversed(frames) if frame in known]
            key = (tuple(named), len(frames) > len(named))
            expect_equal(frames[len(frames) - len(named):][::-1], named, "where they stand")
            found[key] = found.get(key, 0) + int(number)
        return {key: value for key, value in found.items() if key[0]}


def check(folder, expected):
    """Compares all formats with live objects and bytes by frames, innermost first."""
    sites = Sites(folder)
    named = {key: value for key, value in expected.items() if key[0]}
    expect_equal(sites.in_json(), expected, "JSON")
    expect_equal(sites.in_pprof(), named, "pprof")
    folded = {(tuple(FOLDED[frame] for frame in frames), rest): size
              for (frames, rest), (_, size) in named.items()}
    expect_equal(sites.folded(), folded, "folded")
    text = pathlib.Path(f"{folder}/frames.txt").read_text()
    for name in FOLDED.values():
        expect(f"    {name}\n" in text, f"no {name} in {text}")
    for ending in ("heap", "gperftools.heap"):
        text = pathlib.Path(f"{folder}/frames.{ending}").read_text().split("MAPPED")[0]
        for address in re.findall(r"0x[0-9a-f]+", text):
            expect(int(address, 16) < 1 << 56, f"{address} in {ending}")


RUN = {
    ((ROW, QUERY, START), True): (10, 1000),
    ((QUERY, START), True): (20, 4000),
    ((START,), True): (30, 9000),
    ((ROW, QUERY), True): (10, 1000),
    ((QUERY,), True): (20, 4000),
    ((ROW,), False): (10, 1000),
}


def callback(folder):
    """A callback is asked for each sample, whatever it does, and its context may go."""
    run(folder, "callback")
    check(folder, RUN | {((), True): (4, 1600)})
    check(f"{folder}/child", RUN | {((), True): (4, 1600), ((ROW,), False): (20, 2000)})


def stack(folder):
    """A thread keeps a stack."""
    run(folder, "stack")
    check(folder, RUN | {((), True): (4 + 5, 1600 + 2500), ((START,) * 16, True): (6, 3600)})


def changes(folder):
    """Callbacks go while others take samples."""
    run(folder, "changes")


def refused(folder):
    """Names that find no room are counted, in each format that has room for it."""
    run(folder, "refused")
    profile = profile_files.JsonProfile(f"{folder}/frames.json", guest)
    expect_equal(profile.text["refused_frame_names"], 2, "refused")
    text = pathlib.Path(f"{folder}/frames.txt").read_text()
    expect("Unnamed:   2 names of frames were refused, for lack of room\n" in text, text)
    os.mkdir(f"{folder}/off")
    run(f"{folder}/off", "disabled", "enabled:false")


def compiled(folder):
    """Code in no module has the name that the map gives it, or is said to be anonymous; the
    walk goes on behind it."""
    run(folder, "compiled")
    lines = pathlib.Path(f"{folder}/frames.folded").read_text().splitlines()
    stacks = {int(line.rpartition(" ")[2]): line.rpartition(" ")[0].split(";") for line in lines}
    own = os.path.basename(guest)
    for size, name in ((6400, r"JS:\*leaf_app\.js:3"), (8100, r"\[anon\]\+0x[0-9a-f]+")):
        frames = stacks[size]
        expect(len(frames) > 3, f"{frames} ends too early")
        expect(re.fullmatch(name, frames[-2]), f"{frames} has no {name}")
        expect(frames[-1].startswith(own) and frames[-3].startswith(own), f"{frames}")
        expect(any(frame.startswith("libc") for frame in frames[:-3]), f"{frames} has no end")
    code = json.loads(pathlib.Path(f"{folder}/frames.json").read_text())["code"]
    expect_equal([entry["name"] for entry in code], ["JS:*leaf app.js:3"], "code in JSON")
    names = profile_files.PprofProfile(f"{folder}/frames.pb.gz").names
    expect([("JS:*leaf app.js:3", "", 0)] in names, f"pprof: {names}")


def node(folder):
    """Real stacks of JavaScript have the names of their functions, and end where main() does."""
    program = shutil.which("node")
    if program is None:
        print("skip: node is not installed")
        sys.exit(77)
    script = pathlib.Path(folder) / "app.js"
    script.write_text("""
function luna_leaf(count) {
  const all = [];
  for (let i = 0; i < count; i++) all.push(Buffer.allocUnsafeSlow(20000).fill(1));
  return all;
}
function luna_outer(count) { return luna_leaf(count).length; }
let sum = 0;
for (let i = 0; i < 1000; i++) sum += luna_outer(20);
console.log(sum);
""")
    conf = ("profile:true,profile_at_exit:true,profile_kind:lifetimes,profile_format:collapsed,"
            f"profile_interval:65536,profile_cpu_percent:0,profile_file:{folder}/node")
    command = [program, "--perf-basic-prof", "--interpreted-frames-native-stack", str(script)]
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    # Not run(), for the number of the process is needed to remove its map; V8 leaves a file, too.
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE,
                          cwd=folder) as process:
        output = process.communicate(timeout=200)[0]
        pathlib.Path(f"/tmp/perf-{process.pid}.map").unlink(missing_ok=True)
    expect_equal((process.returncode, output.strip()), (0, b"20000"), "node")
    lines = pathlib.Path(f"{folder}/node.folded").read_text().splitlines()
    found = [line for line in lines if re.search(r"luna_outer_.*;[^;]*luna_leaf_", line)]
    expect(found, f"no luna_leaf in {lines[:5]}")
    for line in found:
        frames = line.split(";")
        expect("libc.so.6" in line.split("luna_outer")[0] and frames[0].startswith("node+"),
               f"the walk ends before main(): {line}")


def python(folder):
    """Python tells what it runs, without a line of C."""
    script = pathlib.Path(__file__).with_name("frames_python.py")
    environment = dict(os.environ, LD_PRELOAD=library, PYTHONMALLOC="malloc",
                       LUNALLOC_CONF="profile:true,profile_interval:1,profile_memory:64")
    result = subprocess.run([sys.executable, script, f"{folder}/python.folded"], timeout=200,
                            env=environment, capture_output=True, text=True, check=False)
    expect_equal((result.returncode, result.stdout, result.stderr), (0, "100\n", ""), "python")
    rows = 0
    pattern = re.compile(r"make_table@[^;]*frames_python\.py:\d+(;<listcomp>@[^;]*)?"
                         r";make_row@[^;]*frames_python\.py:\d+ (\d+)")
    for line in pathlib.Path(f"{folder}/python.folded").read_text().splitlines():
        found = pattern.search(line)
        rows += int(found[2]) if found else 0
        expect(not found or "libc.so.6" in line, f"no native stack in {line}")
    expect(100 * 50000 <= rows < 100 * 50000 * 1.1, f"make_row has {rows} bytes")


def main():
    """Runs one part in a folder of its own."""
    part = {function.__name__: function for function in
            (callback, stack, changes, refused, compiled, node, python)}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        part(folder)


if __name__ == "__main__":
    main()
