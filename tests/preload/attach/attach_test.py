# SPDX-License-Identifier: MIT
"""Processes that were started with lunalloc and no option are reached by `luna attach`.

Usage: attach_test.py PART LIBRARY LUNA GUEST PLUGIN
"""
import contextlib
import os
import pathlib
import random
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77
NOBODY = 65534
ALONE = 54321  # a user that has no other process
HEADER = struct.Struct("<16s4I2Q")  # of lunalloc/attach.h
TEXT = struct.Struct("<2QI1024s3I3040s")
ASKED, ANSWERED = 32, 40  # where they stand in the header
GARBAGE = 1
EVERY_BLOCK = "profile:true,profile_interval:1"  # comes by a slow path
part, library, luna, guest_program, plugin = sys.argv[1], *map(os.path.abspath, sys.argv[2:])


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


class Guest:
    """A guest that is running; `header` and `text` are addresses in it."""

    def __init__(self, process, line):
        self.process = process
        self.header, self.text = (int(word, 16) for word in line.split()[:2])

    def read(self, address, size):
        """Its memory."""
        with open(f"/proc/{self.process.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(size)

    def write(self, address, data):
        """Writes to its memory, as anybody may who may trace it."""
        with open(f"/proc/{self.process.pid}/mem", "wb", buffering=0) as memory:
            memory.seek(address)
            memory.write(data)

    def word(self, place):
        """A number of the header."""
        return struct.unpack("<Q", self.read(self.header + place, 8))[0]

    def allocates(self):
        """Lets an idle guest come by slow paths once."""
        self.process.stdin.write("1")
        self.process.stdin.flush()
        expect(self.process.stdout.readline() == "done\n", "the guest does not go on")

    def threads(self):
        """The names of its threads."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return [(task / "comm").read_text().strip() for task in tasks]


@contextlib.contextmanager
def running(way, conf=None, check=True, preload=library):
    """A guest; it must end well when its stdin does."""
    environment = {name: value for name, value in os.environ.items() if name != "LUNALLOC_CONF"}
    environment["LD_PRELOAD"] = preload
    if conf:
        environment["LUNALLOC_CONF"] = conf
    with subprocess.Popen([guest_program, way, plugin], env=environment, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Guest(process, process.stdout.readline().replace("(nil)", "0"))
            process.stdin.close()
            expect(process.wait(60) == 0 or not check, f"the guest ended with {process.returncode}")
        finally:
            process.kill()


def attach(process, *arguments, prefix=()):
    """(exit status, answer, message)"""
    result = subprocess.run([*prefix, luna, "attach", str(process), *arguments], text=True,
                            capture_output=True, timeout=100, check=False)
    return result.returncode, result.stdout, result.stderr


def expect_answer(process, request, answer, status=0):
    """The process answers that."""
    seen = attach(process, *request, "--timeout", "60")
    expect(seen[:2] == (status, answer), f"{request}: {seen}, not {status} {answer!r}")


def settings():
    """What was off is on afterwards, and can be asked for; the thread comes when it is needed."""
    with running("allocates") as guest:
        process = guest.process.pid
        expect("lunalloc" not in guest.threads(), "there is a thread before anybody asked")
        expect_answer(process, ["?profile.active"], "profile.active = false\n")
        expect_answer(process, ["profile:true", "profile.interval:4096"],
                      "profile: ok\nprofile.interval: ok\n")
        expect_answer(process, ["?profile.active", "profile_interval"],
                      "profile.active = true\nprofile_interval = 4096\n")
        expect_answer(process, ["memory.purge"], "memory.purge: ok\n")
        expect_answer(process, ["background:true"], "background: ok\n")
        status, answer, _ = attach(process)
        expect(status == 0 and answer.startswith("version = "), "nothing is asked for by default")
        expect(guest.threads().count("lunalloc") == 1, f"threads: {guest.threads()}")
        samples = attach(process, "?stats.profiler_live_samples")[1]
        expect(int(samples.split()[-1]) >= 0, "the profile has no figures")


def wrong():
    """What is wrong is told part by part, and what is right is done."""
    with running("allocates") as guest:
        process = guest.process.pid
        expect_answer(process, ["profil:true,decay_ms:7", "decay_ms:x", "enabled:false"],
                      "profil: is unknown; the nearest is profile.file\n".replace(
                          "profile.file", nearest(process)) + "decay_ms: ok\n"
                      "decay_ms: wants a whole number\nenabled: cannot be set: blocks were handed"
                      " out before the program could ask\n", status=1)
        expect_answer(process, ["?decay.ms"], "decay.ms = 7\n")
        status, _, message = attach(process, "x" * 1025)
        expect(status == 2 and "1024" in message, f"too long: {status} {message}")
        expect(attach(process, "a" * 1000 + ":1")[0] == 1, "1,002 bytes are too many")
        # Two bytes a part, and a line for each: more than there is room for.
        status, answer, message = attach(process, ",".join("a" * 500))
        expect(status == 1 and "longer" in message and len(answer) == 3040, "it is not cut")
    expect(attach("x")[0] == 2 and attach("-1")[0] == 2, "the usage")


def nearest(process):
    """What the library takes for the nearest to `profil`."""
    return attach(process, "profil")[1].split()[-1]


def garbage():
    """Whatever is written there is answered, and does no harm."""
    numbers = random.Random(1)
    with running("allocates") as guest:
        before = attach(guest.process.pid, "?decay.ms,?profile.interval")
        for round_ in range(200):
            page = bytearray(numbers.randbytes(TEXT.size))
            number = numbers.getrandbits(64) | 1
            if round_ % 4 == 1:  # of the right number, and with a length that is possible
                page[0:8], page[16:20] = struct.pack("<Q", number), struct.pack("<I", round_)
            if round_ % 4 == 2:
                guest.write(guest.header, numbers.randbytes(ASKED))
            guest.write(guest.text, bytes(page))
            guest.write(guest.header + ASKED, struct.pack("<Q", number))
            wait_for(lambda: guest.word(ASKED) == 0, "garbage is not answered")
            expect(guest.word(ANSWERED) == number, "something else is answered")
            expect(TEXT.unpack(guest.read(guest.text, TEXT.size))[4] == GARBAGE, "it is not told")
        expect(attach(guest.process.pid, "?decay.ms,?profile.interval") == before, "it did harm")


def changing():
    """A request that is written to all the time, with and without a sound sum."""
    numbers = random.Random(1)
    with running("allocates") as guest:
        attach(guest.process.pid)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            guest.write(guest.header + ASKED, struct.pack("<Q", numbers.getrandbits(64)))
            guest.write(guest.text, numbers.randbytes(numbers.randrange(TEXT.size)))
        expect(attach(guest.process.pid)[0] == 0, "it is not reached any more")


def wait_for(holds, what):
    """Until it holds, for a minute."""
    end = time.monotonic() + 60
    while not holds():
        expect(time.monotonic() < end, what)
        time.sleep(0.001)


def together():
    """Each of those who ask at the same time gets its own answer."""
    failures = []

    def ask(name, process):
        for value in range(20):
            request = f"?{name},{name}:{value + 10},?{name}"
            status, answer, message = attach(process, request, "--timeout", "60")
            if status or answer.splitlines()[1:] != [f"{name}: ok", f"{name} = {value + 10}"]:
                failures.append((request, status, answer, message))

    with running("allocates") as guest:
        names = ["decay_ms", "profile_depth", "profile.max_files"]
        threads = [threading.Thread(target=ask, args=(name, guest.process.pid)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expect(not failures, failures)


def idle():
    """Who sleeps does not answer, which is told, and then does; the child of a fork does not."""
    with running("idle") as guest:
        process = guest.process.pid
        status, answer, message = attach(process, "decay_ms:77", "--timeout", "0.2")
        expect(status == 4 and not answer and "slow path" in message, f"{status} {message}")
        expect("lunalloc" not in guest.threads(), "a thread was started by nobody")
        guest.allocates()
        wait_for(lambda: guest.word(ASKED) == 0, "what was left there is not carried out")
        # From then on the thread looks by itself.
        expect_answer(process, ["?decay_ms"], "decay_ms = 77\n")
        attach(process, "decay_ms:78", "--timeout", "0")
        message = attach(process, "?decay_ms", "--timeout", "60")
        expect(message[:2] in ((0, "decay_ms = 77\n"), (0, "decay_ms = 78\n")), message)
        guest.allocates()


def no_threads():
    """Where there can be no thread, the request is answered so, and nobody tries again."""
    if os.getuid() != 0:
        print("skip: needs root, whom the limit of threads does not bind")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program, copy = (shutil.copy(path, folder) for path in (guest_program, library))
        environment = dict(os.environ, LD_PRELOAD=copy)
        with subprocess.Popen(
                [program, "allocates"], env=environment, user=ALONE, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, preexec_fn=one_thread) as process:
            try:
                expect("ready" in process.stdout.readline(), "the guest does not start")
                status, _, message = attach(process.pid)
                if status == 3 and "CAP_SYS_PTRACE" in message:
                    print("skip: this root may not reach others' processes")
                    sys.exit(SKIPPED)
                for _ in range(2):
                    expect(status == 4 and "no more threads" in message, f"{status} {message}")
                    status, _, message = attach(process.pid)
                process.stdin.close()
                expect(process.wait(60) == 0, "the guest did not end well")
            finally:
                process.kill()


def one_thread():
    """In a process that is about to become the guest."""
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))


def deleted():
    """A library is found whose file is gone."""
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(library, folder)
        with running("allocates", preload=copy) as guest:
            os.unlink(copy)
            expect_answer(guest.process.pid, ["decay_ms:5,?decay_ms"],
                          "decay_ms: ok\ndecay_ms = 5\n")


def starts(way, count, conf=None):
    """Each of so many processes is reached, whatever it is at, and ends well afterwards."""
    for _ in range(count):
        with running(way, conf) as guest:
            expect_answer(guest.process.pid, ["profile:true"], "profile: ok\n")
            expect_answer(guest.process.pid, ["?profile.active"], "profile.active = true\n")


def python():
    """A program that others wrote."""
    code = "import time\nprint('ready', flush=True)\nwhile True: [str(i) * 50 for i in range(9999)]"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          env=dict(os.environ, LD_PRELOAD=library)) as process:
        try:
            process.stdout.readline()
            expect_answer(process.pid, ["profile:true"], "profile: ok\n")
            expect_answer(process.pid, ["?profile"], "profile = true\n")
            expect(process.poll() is None, "it has ended")
        finally:
            process.kill()


def refused():
    """Why a process cannot be reached, in words."""
    cases = {"no such process": (0x3FFFFFFF, "there is no process"),
             "without lunalloc": (os.getpid(), "does not run on liblunalloc.so")}
    for name, (process, words) in cases.items():
        status, _, message = attach(process)
        expect(status == 3 and words in message, f"{name}: {status} {message}")
    with running("allocates", conf="enabled:false") as guest:
        status, _, message = attach(guest.process.pid)
        expect(status == 3 and "enabled:false" in message, f"{status} {message}")
    with running("allocates") as guest:
        guest.write(guest.header, b"something else")
        status, _, message = attach(guest.process.pid)
        expect(status == 3 and "damaged" in message, f"{status} {message}")
    with running("idle", check=False) as guest:
        threading.Timer(0.3, guest.process.kill).start()
        status, _, message = attach(guest.process.pid, "--timeout", "60")
        expect(status == 4 and "has ended" in message, f"{status} {message}")


def main_ends():
    """A process that goes on when main() has ended cannot be reached, and is not said to have ended."""
    with running("main_ends") as guest:
        stat = pathlib.Path(f"/proc/{guest.process.pid}/stat")
        wait_for(lambda: stat.read_text().split()[2] == "Z", "main() goes on")
        status, _, message = attach(guest.process.pid)
        expect(status == 3 and "runs on without its main thread" in message, f"{status} {message}")
    status, _, message = attach(guest.process.pid)
    expect(status == 3 and "there is no process" in message, f"{status} {message}")


def other_user():
    """Who may not reach the process is told who may."""
    if os.getuid() != 0 or not pathlib.Path("/usr/bin/setpriv").exists():
        print("skip: needs root, and setpriv")
        sys.exit(SKIPPED)
    as_nobody = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "--"]
    with running("allocates") as guest:
        status, _, message = attach(guest.process.pid, "profile:true", prefix=as_nobody)
        expect(status == 3 and "belongs to another user (uid 0)" in message
               and "CAP_SYS_PTRACE" in message, f"{status} {message}")
        expect_answer(guest.process.pid, ["?profile"], "profile = false\n")


PARTS = {"settings": settings, "wrong": wrong, "garbage": garbage, "changing": changing,
         "together": together, "idle": idle, "python": python, "refused": refused,
         "other_user": other_user, "main_ends": main_ends, "deleted": deleted,
         "no_threads": no_threads, "threads": lambda: starts("threads", 50),
         "libraries": lambda: starts("libraries", 20), "forks": lambda: starts("forks", 10),
         "handlers": lambda: starts("handlers", 20),
         "creates": lambda: starts("creates", 30, EVERY_BLOCK),
         "opens": lambda: starts("opens", 30, EVERY_BLOCK)}
PARTS[part]()
