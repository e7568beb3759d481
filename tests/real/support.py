# SPDX-License-Identifier: MIT
"""Runs a real program without and with the allocator preloaded, and compares.

A test is a scenario: a function that takes a Stage, runs programs on it and
returns {name: bytes}. main() plays it twice in the same fresh directory, first
plain, then with LD_PRELOAD, and fails unless both return the same. Exit status:
0 equal, 1 different or crashed, 77 skipped because a program is missing.
"""
import atexit
import contextlib
import ctypes
import difflib
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
PR_SET_CHILD_SUBREAPER = 36


class Failure(Exception):
    """What went wrong, worded for the person who reads the test log."""


def main(scenario, needs):
    """Plays the scenario twice and ends the process.

    `needs` maps each program that must be found to the package it comes from.
    """
    library = pathlib.Path(sys.argv[1]).resolve()
    for program, package in needs.items():
        if not find(program):
            print(f"skipped: {package} is not installed")
            sys.exit(SKIPPED)
    if not library.is_file():
        sys.exit(f"no such library: {library}")
    end_children_with_us()
    top = tempfile.mkdtemp(prefix="lunalloc-real-")
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    os.chmod(top, 0o755)
    try:
        plain = play(scenario, top, None)
        preloaded = play(scenario, top, library)
        compare(plain, preloaded)
    except Failure as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print(f"equal with and without preload: {', '.join(plain)}")


def play(scenario, top, library):
    """Runs the scenario once, in a directory that has the same name each time."""
    directory = pathlib.Path(top, "stage")
    directory.mkdir(mode=0o755)
    started = time.monotonic()
    stage = Stage(directory, library)
    try:
        results = scenario(stage)
    except Failure as failure:
        raise Failure(f"{stage.name} run: {failure}") from None
    finally:
        kill_descendants()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{stage.name} run: {time.monotonic() - started:.1f} s", flush=True)
    return {**results, "messages on stderr": b"".join(stage.messages)}


class Stage:
    """A fresh directory and a fixed environment in which programs run.

    `library` is None in the plain run. Every program started here is checked
    to have the library loaded exactly when it should.
    """

    def __init__(self, directory, library):
        self.directory = directory
        self.preloaded = library
        self.name = "preloaded" if library else "plain"
        self.messages = []
        self.checked = set()
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin",
            "HOME": str(directory), "TMPDIR": str(directory),
            "LC_ALL": "C.UTF-8", "TZ": "UTC0", "PYTHONHASHSEED": "0",
        }
        if library:
            self.preload(library)

    def preload(self, library):
        """From now on programs get this library, which may be a copy of the first."""
        self.preloaded = library
        self.environment["LD_PRELOAD"] = str(library)
        if "LUNALLOC_CONF" in os.environ:
            self.environment["LUNALLOC_CONF"] = os.environ["LUNALLOC_CONF"]

    def write(self, name, content):
        """Creates a file in the directory and returns its path."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, name):
        return (self.directory / name).read_bytes()

    def command(self, arguments, *, stdin=b"", environment=None, timeout=60, user=None,
                compare_messages=True, statuses=(0,)):
        """Runs a program to its end and returns its standard output.

        What it writes to stderr is compared between the two runs as well, unless
        `compare_messages` is off. Any exit status not in `statuses` is a failure.
        """
        arguments = [str(argument) for argument in arguments]
        environment = {**self.environment, **(environment or {})}
        self.check_program(arguments[0], environment)
        process = subprocess.Popen(
            arguments, cwd=self.directory, env=environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            **as_user(user))
        try:
            output, messages = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            stacks = stacks_of(process.pid)
            kill_group(process.pid)
            output, messages = process.communicate()
            raise Failure(f"{shown(arguments)} hung for {timeout} s\n{tail(output)}\n"
                          f"{tail(messages)}\n{stacks}") from None
        if process.returncode not in statuses:
            raise Failure(f"{shown(arguments)} {ending(process.returncode)}\n"
                          f"{tail(output)}\n{tail(messages)}")
        if compare_messages:
            self.messages.append(messages)
        return output

    @contextlib.contextmanager
    def server(self, arguments, *, stop=signal.SIGTERM, environment=None, user=None,
               statuses=(0,)):
        """Runs a program in the background while the with-block lasts.

        At the end it gets the signal `stop` and must exit with one of `statuses`.
        """
        arguments = [str(argument) for argument in arguments]
        environment = {**self.environment, **(environment or {})}
        log = self.directory / (pathlib.Path(arguments[0]).name + ".log")
        with open(log, "ab") as out:
            process = subprocess.Popen(
                arguments, cwd=self.directory, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, **as_user(user))
        try:
            yield Server(process, arguments, log)
            if process.poll() is None:
                process.send_signal(stop)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                raise Failure(f"{shown(arguments)} does not stop on {stop.name}\n"
                              f"{tail(log.read_bytes())}") from None
            if process.returncode not in statuses:
                raise Failure(f"{shown(arguments)} {ending(process.returncode)}\n"
                              f"{tail(log.read_bytes())}")
        finally:
            kill_group(process.pid)
            process.wait()

    def check_program(self, program, environment):
        """Asks the loader, as ldd does, which libraries this program would get.

        A script is passed over: check its processes with check_process instead.
        """
        path = shutil.which(program, path=environment["PATH"])
        if not path:
            raise Failure(f"{program}: no such program")
        if path in self.checked or pathlib.Path(path).read_bytes()[:4] != b"\x7fELF":
            return
        listing = subprocess.run([path], env={**environment, "LD_TRACE_LOADED_OBJECTS": "1"},
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, timeout=20, check=False).stdout
        self.check_listing(f"the libraries of {path}", listing)
        self.checked.add(path)

    def check_process(self, pid):
        """Looks into a running process."""
        self.check_listing(f"the maps of process {pid}",
                           pathlib.Path(f"/proc/{pid}/maps").read_bytes())

    def check_family(self, pid):
        """Looks into a running process and all that it has started."""
        for member in [pid, *descendants(pid)]:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                maps = pathlib.Path(f"/proc/{member}/maps").read_bytes()
                if maps:
                    self.check_listing(f"the maps of process {member}", maps)

    def check_listing(self, what, listing):
        """Fails unless the library is named in the listing exactly when preloaded."""
        if self.preloaded and str(self.preloaded).encode() not in listing:
            raise Failure(f"{self.preloaded} is not in {what}:\n{tail(listing)}")
        if not self.preloaded and b"lunalloc.so" in listing:
            raise Failure(f"the plain run has liblunalloc.so in {what}")

    def check_maps_printed_by(self, arguments, environment=None):
        """Runs a program that prints its own /proc/self/maps and looks into that."""
        self.check_listing(f"the maps of {arguments[0]}",
                           self.command(arguments, environment=environment))


class Server:
    """A program in the background."""

    def __init__(self, process, arguments, log):
        self.pid = process.pid
        self.process = process
        self.arguments = arguments
        self.log = log

    def wait_until(self, ready, seconds=20):
        """Calls ready() until it returns something true. OSError counts as not yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure(f"{shown(self.arguments)} {ending(self.process.returncode)}\n"
                              f"{tail(self.log.read_bytes())}")
            with contextlib.suppress(OSError):
                if result := ready():
                    return result
            time.sleep(0.02)
        raise Failure(f"{shown(self.arguments)} is not ready after {seconds} s\n"
                      f"{tail(self.log.read_bytes())}")


def find(program):
    """Returns the path of a program, or None; also looks where daemons are kept."""
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    return shutil.which(program, path=path)


def free_port():
    """Returns a TCP port of the loopback interface that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def digest(content):
    """Returns a short name for content that is too long to print."""
    return f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}\n".encode()


def expect(condition, message):
    if not condition:
        raise Failure(message)


def compare(plain, preloaded):
    """Fails with a diff unless both runs returned the same."""
    if plain.keys() != preloaded.keys():
        raise Failure(f"results differ: {sorted(plain)} and {sorted(preloaded)}")
    for name, before in plain.items():
        if before != preloaded[name]:
            raise Failure(f"{name} differs\n{difference(before, preloaded[name])}")


def difference(before, after):
    """Returns the first lines of a diff, or where two binaries part."""
    try:
        texts = [content.decode().splitlines(keepends=True) for content in (before, after)]
    except UnicodeDecodeError:
        length = min(len(before), len(after))
        first = next((i for i in range(length) if before[i] != after[i]), length)
        return (f"plain:     {digest(before).decode()}preloaded: {digest(after).decode()}"
                f"first difference at byte {first}")
    lines = difflib.unified_diff(*texts, "plain", "preloaded", n=1)
    return "".join(line[:200].rstrip("\n") + "\n" for _, line in zip(range(40), lines))


def end_children_with_us():
    """Makes sure that no process outlives this test, however it ends."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    atexit.register(kill_descendants)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))


def descendants(pid):
    """Returns the ids of all processes that this one has started, directly or not."""
    found = []
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *descendants(child)]
    return found


def kill_descendants():
    """Ends what is left of this test's children; orphans among them come to us."""
    for _ in range(100):
        remaining = descendants(os.getpid())
        if not remaining:
            return
        for pid in remaining:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def stacks_of(pid):
    """Returns where all threads of a process and its children are, if gdb is there to tell."""
    if not find("gdb"):
        return "(with gdb installed, the stacks of all threads would follow here)"
    stacks = []
    for member in [pid, *descendants(pid)]:
        seen = subprocess.run(["gdb", "-p", str(member), "-batch", "-ex", "thread apply all bt 16"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=60, check=False).stdout
        stacks.append(f"process {member}:\n{seen.decode(errors='replace')}")
    return "\n".join(stacks)


def kill_group(pid):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def as_user(user):
    """Returns the arguments that make Popen run a program as this user."""
    return {"user": user, "group": "nogroup", "extra_groups": []} if user else {}


def shown(arguments):
    """Returns a command line, shortened, for a message."""
    line = " ".join(arguments).replace("\n", " ")
    return line if len(line) <= 120 else line[:117] + "..."


def ending(status):
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"


def tail(content):
    return content[-3000:].decode(errors="replace").rstrip()
