# SPDX-License-Identifier: MIT
"""How `luna` reaches processes, and what it leaves: nothing.

Usage: reach_test.py PART LIBRARY LUNA
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import (BUSY, IDLE, NOBODY, PYTHON, ask, expect, expect_failure, library, luna,
                     output_of, private_folder, running, skip, wait_for)

os.environ.pop("XDG_RUNTIME_DIR", None)


def files_of(guest, base="/tmp"):
    """What there is of this process in the folder."""
    return list(private_folder(base=base).glob(f"{guest.number}.*"))


def expect_nothing_left(guest):
    """The socket is off, and its files are gone."""
    expect(files_of(guest) == [], f"there are still {files_of(guest)}")
    expect(not guest.serves(), "it serves on")


def row_of(number):
    """What `luna ps --json` tells of a process, or nothing."""
    rows = [row for row in json.loads(output_of("ps", "--json")) if row["pid"] == number]
    return rows[0] if rows else None


def ps():
    """Those on lunalloc are listed, with what is known of them, and others are not."""
    with tempfile.TemporaryDirectory() as folder, running(IDLE) as idle, \
            running(IDLE, f"socket:{folder}/s") as serves, running(IDLE, "enabled:false") as off:
        row = row_of(idle.number)
        expect(row["state"] == "ready" and row["library"] == library, row)
        expect(row["name"] == "python3" and row["user"] == os.geteuid(), row)
        resident = int(pathlib.Path(f"/proc/{idle.number}/statm").read_text().split()[1]) * \
            os.sysconf("SC_PAGE_SIZE")
        # The kernel counts for each processor apart, and adds that up later.
        expect(abs(row["resident_bytes"] - resident) < 4 << 20, f"{row}, but {resident}")
        expect(row_of(serves.number)["state"] == "socket", "it serves")
        row = row_of(off.number)
        expect(row["state"] == "closed" and "enabled:false" in row["why_closed"], row)
        expect(row_of(os.getpid()) is None, "this process does not run on it")
        table = output_of("ps")
        expect(re.search(rf"^ *{idle.number} .* ready +python3 +{library}$", table, re.M), table)


def socket_on():
    """One that serves is asked there, even while it sleeps, and goes on serving."""
    with tempfile.TemporaryDirectory() as folder, running(IDLE, f"socket:{folder}/s.%p") as guest:
        path = f"{folder}/s.{guest.number}"
        output = output_of("ctl", guest.number, "socket", "decay.ms=50")
        expect(output == f"socket = {folder}/s.%p\ndecay.ms = 50\n", output)
        expect(os.path.exists(path) and files_of(guest) == [], "another socket was made")
        expect("lunalloc" not in [task.read_text().strip() for task in
                                  pathlib.Path(f"/proc/{guest.number}/task").glob("*/comm")],
               "it was asked by other means")


def socket_off():
    """One that does not is asked all the same, in a folder of the user, and serves no more."""
    with running() as guest, tempfile.TemporaryDirectory() as folder:
        expect(output_of("ctl", guest.number, "socket") ==
               f"socket = {private_folder()}/{guest.number}.socket\n", "the path")
        expect_nothing_left(guest)
        there = {"XDG_RUNTIME_DIR": folder}
        expect(output_of("ctl", guest.number, "socket", environment=there) ==
               f"socket = {private_folder(base=folder)}/{guest.number}.socket\n", "XDG_RUNTIME_DIR")
        expect(os.listdir(folder) == [], "its folder is left")
        expect_nothing_left(guest)
        # Not usable as a value of the control.
        there = {"XDG_RUNTIME_DIR": folder + "/%p"}
        expect(f"socket = {private_folder()}/" in
               output_of("ctl", guest.number, "socket", environment=there), "it is used")
        expect(output_of("stats", guest.number, environment={"TMPDIR": folder}) != "", "stats")
        expect_nothing_left(guest)


def own_socket():
    """Where the program itself listens nobody comes, also when it has a thread that serves."""
    with tempfile.TemporaryDirectory() as folder, running() as guest:
        guest.do("import socket; own = socket.socket(socket.AF_UNIX); "
                 f"own.bind('{folder}/s'); own.listen()")
        for _ in range(2):
            expect(output_of("ctl", guest.number, "decay.ms") == "decay.ms = 1000\n", "a control")
        expect("lunalloc-http" in [task.read_text().strip() for task in
                                   pathlib.Path(f"/proc/{guest.number}/task").glob("*/comm")],
               "there is no such thread")
        guest.do("assert select.select([own], [], [], 0)[0] == []")


# Of seccomp(2): each process_vm_readv() fails with EPERM, as where only ancestors may trace.
FILTERED = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 310, "aarch64": 270}[platform.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
program = struct.pack("<HxxxxxxQ", len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())  # PR_SET_SECCOMP
os.execv(sys.argv[1], sys.argv[1:])
"""


def no_tracing():
    """One that serves is reached by who may not trace it; another is not, and it is told why."""
    def filtered(*arguments):
        return subprocess.run([PYTHON, "-c", FILTERED, luna, *map(str, arguments)], text=True,
                              capture_output=True, check=False)
    with tempfile.TemporaryDirectory() as folder, running(IDLE, f"socket:{folder}/s") as serves, \
            running() as other:
        seen = filtered("ctl", serves.number, "decay.ms")
        expect(seen.stdout == "decay.ms = 1000\n", f"{seen}")
        seen = filtered("ctl", other.number, "decay.ms")
        expect(seen.returncode == 3 and "is yours, but" in seen.stderr, f"{seen}")
        rows = {row["pid"]: row for row in json.loads(filtered("ps", "--json").stdout)}
        expect(rows[serves.number]["state"] == "socket", rows)
        expect(rows[other.number]["state"] == "closed" and rows[other.number]["why_closed"], rows)


def taken_path():
    """Where the process was to serve somebody else listens: it is reached, and not moved there."""
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(folder + "/s")
            taken.listen()
            with running(BUSY, f"socket:{folder}/s") as guest:
                expect("decay.ms = 1000\n" == output_of("ctl", guest.number, "decay.ms"), "a control")
                expect_nothing_left(guest)


def replaced():
    """Nothing is said to somebody else who listens at the path of the process by now."""
    with tempfile.TemporaryDirectory() as folder, running(BUSY, f"socket:{folder}/s") as guest:
        os.unlink(folder + "/s")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(folder + "/s")
            other.listen()
            expect(output_of("ctl", guest.number, "decay.ms") == "decay.ms = 1000\n", "a control")
            other.setblocking(False)
            try:
                while True:
                    caller, _ = other.accept()
                    expect(caller.recv(100) == b"", "something is said")
            except BlockingIOError:
                pass


def together():
    """Many at once share the socket; the last switches it off."""
    with running() as guest:
        for _ in range(3):
            command = [luna, "ctl", str(guest.number), "decay.ms", "--timeout", "60"]
            asked = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(12)]
            answers = [process.communicate()[0] for process in asked]
            expect(answers == ["decay.ms = 1000\n"] * 12, f"{answers}")
            expect_nothing_left(guest)


def begin_long(guest, prefix=()):
    """A command that goes on for minutes, when it has begun."""
    process = subprocess.Popen([*prefix, luna, "profile", str(guest.number), "--seconds", "500"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: ask("ctl", guest.number, "profile.active")[1] == "profile.active = true\n",
             "it does not begin")
    expect(files_of(guest) != [], "others have ended it")
    return process


def killed():
    """What a killed command has left, the next one ends."""
    with running() as guest:
        process = begin_long(guest)
        process.kill()
        process.wait()
        expect(guest.socket().endswith(f"/{guest.number}.socket"), "it is off")
        expect(output_of("ctl", guest.number, "decay.ms") == "decay.ms = 1000\n", "a control")
        expect_nothing_left(guest)


def interrupted():
    """A signal ends a command after it has put all back, and is what it ends by."""
    with running() as guest:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = begin_long(guest)
            process.send_signal(number)
            expect(process.wait(60) == -number, f"it ended with {process.returncode}")
            expect_nothing_left(guest)
            wait_for(lambda: ask("ctl", guest.number, "profile.active")[1] ==
                     "profile.active = false\n", "samples are taken on")
        process = begin_long(guest, prefix=["nohup"])
        process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        expect(process.poll() is None, "what is ignored ends it")
        process.terminate()
        process.wait(60)
        expect_nothing_left(guest)


def statistics():
    """In each format, what the process says."""
    with running() as guest:
        guest.do("kept.extend(bytes(100_000) for _ in range(200))")
        read = json.loads(output_of("stats", guest.number, "--format", "json"))
        expect(read["totals"]["live_bytes"] > 20_000_000, read["totals"])
        text = output_of("stats", guest.number)
        expect(re.search(r"^ +[0-9.]+ MiB  Bytes of blocks in use$", text, re.M), text[:300])
        metrics = output_of("stats", guest.number, "--format", "openmetrics")
        live = re.search(r"^lunalloc_live_bytes (\d+)$", metrics, re.M)
        expect(live and int(live[1]) > 20_000_000 and metrics.endswith("# EOF\n"), metrics[:300])
        expect(ask("stats", guest.number, "--format", "xml")[0] == 2, "an unknown format")


def controls():
    """All are listed with their help; values are read and set; what is wrong is told for each."""
    with running() as guest:
        table = output_of("ctl", guest.number)
        expect(re.search(r"^decay\.ms += 1000 ms +free pages go back", table, re.M), table)
        expect(re.search(r"^version +: 0\.", table, re.M), table)
        expect(re.search(r"^memory\.purge += \(action\) ", table, re.M), table)
        listed = json.loads(output_of("ctl", guest.number, "--json"))
        expect(len(listed) == len(table.splitlines()), "some are missing")
        expect(output_of("ctl", guest.number, "decay.ms=7", "profile.file=/tmp/a b", "decay.ms") ==
               "decay.ms = 7\nprofile.file = /tmp/a b\ndecay.ms = 7\n", "set and read")
        status, output, message = ask("ctl", guest.number, "decay.mss", "decay.ms=x", "enabled=0",
                                      "memory.purge", "a/b%c d", "decay.ms=9", "memory.purge=0")
        expect(status == 1 and output == "decay.ms = 9\nmemory.purge = done\n", (status, output))
        lines = message.splitlines()
        expect(len(lines) == 5 and all(line.startswith("luna: ") for line in lines), message)
        for line, words in zip(lines, ("decay.ms", "wants a whole number", "before the program",
                                       "is an action", "no such control")):
            expect(words in line, f"{line}: not {words}")


def purge():
    """What was kept goes back, and it is told how much of it."""
    with running(IDLE, "decay_ms:600000,background:true") as guest:
        guest.do("kept.extend(b'x' * 100_000 for _ in range(500))")
        guest.do("kept.clear()")
        told = json.loads(output_of("purge", guest.number, "--json", "--timeout", "60"))
        expect(told["returned_bytes"] > 40 << 20, told)
        expect(told["heap_resident_before_bytes"] - told["heap_resident_after_bytes"] ==
               told["returned_bytes"], told)
        expect(told["process_resident_after_bytes"] + (40 << 20) <
               told["process_resident_before_bytes"], told)
        guest.do("kept.extend(b'x' * 100_000 for _ in range(500))")
        guest.do("kept.clear()")
        told = json.loads(output_of("purge", guest.number, "--json", "--keep", 1 << 30))
        expect(told["returned_bytes"] < 1 << 20, f"--keep: {told}")
        words = output_of("purge", guest.number)
        expect(re.match(r"4\d\.\d MiB went back to the kernel: ", words), words)


def refusals():
    """One line says why a process cannot be reached."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    expect_failure(3, f"there is no process {gone.pid}", "stats", gone.pid)
    expect_failure(3, f"process {os.getpid()} does not run on liblunalloc.so", "ctl", os.getpid())
    expect_failure(2, "no number of a process", "stats", "99999999999999999999")
    expect_failure(2, "no number of a process", "stats", "0")
    with running(IDLE) as guest:
        expect_failure(4, "it sleeps", "stats", guest.number, "--timeout", "0.3")
        expect(files_of(guest) == [], "files are left")
        guest.do("blocks = [bytes(size) for size in range(3000)]")  # what was asked is not done now
        expect_nothing_left(guest)
    with running(IDLE, "enabled:false") as guest:
        expect_failure(3, "enabled:false", "purge", guest.number)
    ended = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    wait_for(lambda: pathlib.Path(f"/proc/{ended.pid}/stat").read_text().split()[2] == "Z", "")
    expect_failure(3, "has ended", "stats", ended.pid)
    ended.wait()


def names():
    """A name stands for the only process on lunalloc that has it."""
    name = f"reach{os.getpid()}"
    program = f"import ctypes\nctypes.CDLL(None).prctl(15, b'{name}')\n" + BUSY  # PR_SET_NAME
    with running(program) as one:
        expect(output_of("ctl", name, "decay.ms") == "decay.ms = 1000\n", "by its name")
        with running(program) as other:
            numbers = sorted((one.number, other.number))
            expect_failure(2, f"say which of {numbers[0]}, {numbers[1]}", "ctl", name)
        expect_failure(3, f"no process named {name}s", "ctl", name + "s")


def stopped():
    """A process that is stopped is told so, at once."""
    with tempfile.TemporaryDirectory() as folder, running(IDLE, f"socket:{folder}/s") as guest:
        guest.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: pathlib.Path(f"/proc/{guest.number}/stat").read_text().split()[2] == "T",
                 "it is not stopped")
        expect_failure(4, f"`kill -CONT {guest.number}`", "stats", guest.number)
        expect_failure(4, f"`kill -CONT {guest.number}`", "ctl", guest.number, "decay.ms=1")
        guest.process.send_signal(signal.SIGCONT)
        expect(output_of("ctl", guest.number, "decay.ms") == "decay.ms = 1000\n", "it goes on")


def other_user():
    """Root reaches others, in folders that are theirs; they do not reach root."""
    if os.geteuid() != 0:
        skip("only root can be two users")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        there = shutil.copy(library, folder)
        command = shutil.copy(luna, folder)
        with running(preload=there, user=NOBODY) as guest, running() as root:
            seen = output_of("ctl", guest.number, "socket")
            expect(seen == f"socket = {private_folder(NOBODY)}/{guest.number}.socket\n", seen)
            expect(not private_folder(NOBODY).exists(), "the folder is left")
            expect(not guest.serves(), "it is on")
            for verb in ("stats", "ctl", "purge"):
                seen = subprocess.run([command, verb, str(root.number)], user=NOBODY, text=True,
                                      capture_output=True, check=False)
                expect(seen.returncode == 3 and "another user (uid 0)" in seen.stderr, f"{seen}")
            listed = subprocess.run([command, "ps", "--json"], user=NOBODY, text=True,
                                    capture_output=True, check=True).stdout
            listed = [row["pid"] for row in json.loads(listed)]
            expect(guest.number in listed and root.number not in listed, listed)


def other_folders():
    """Processes with other mounts, another network and another root, where /tmp leads elsewhere."""
    mounts = ["unshare", "--mount", "--net", "sh", "-c"]
    if subprocess.run([*mounts, "mount -t tmpfs none /mnt"], capture_output=True,
                      check=False).returncode:
        skip("there can be no other mounts")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        there = shutil.copy(library, folder)
        own = [*mounts, 'mount -t tmpfs none /tmp; exec "$@"', "sh"]
        with running(preload=there, prefix=own) as guest:
            seen = output_of("ctl", guest.number, "socket", "--timeout", "60")
            expect(seen == f"socket = {private_folder()}/{guest.number}.socket\n", seen)
            expect(os.listdir(f"/proc/{guest.number}/root/tmp") == [], "something is left")
            expect(not guest.serves(), "it is on")
        # A root folder whose /tmp leads out of it.
        root = pathlib.Path(folder) / "root"
        root.mkdir()
        for name in ("usr", "lib", "lib64", "proc", "var"):
            (root / name).mkdir()
        os.symlink("/var/tmp", root / "tmp")
        binds = "; ".join(f"mount --rbind /{name} {root}/{name}"
                          for name in ("usr", "lib", "lib64", "proc", "var"))
        rooted = [*mounts, f'{binds}; exec chroot {root} "$@"', "sh"]
        with running(preload=there, prefix=rooted) as guest:
            expect_failure(3, "/tmp of process", "ctl", guest.number, "socket")
            expect(not guest.serves(), "it is on")


def foreign_folder():
    """A folder that somebody else has put there is not used, nor one that others may enter."""
    if os.geteuid() != 0:
        skip("only root can be two users")
    with tempfile.TemporaryDirectory() as folder, running() as guest:
        there = {"XDG_RUNTIME_DIR": folder}
        squatted = private_folder(base=folder)
        squatted.mkdir(mode=0o755)
        expect_failure(3, "not a folder of its user alone", "ctl", guest.number, environment=there)
        os.chmod(squatted, 0o700)
        os.chown(squatted, NOBODY, NOBODY)
        expect_failure(3, "not a folder of its user alone", "ctl", guest.number, environment=there)
        squatted.rmdir()
        squatted.symlink_to("/var/tmp")
        expect_failure(3, "cannot be made", "ctl", guest.number, environment=there)
        expect(not guest.serves(), "it is on")


globals()[sys.argv[1]]()
