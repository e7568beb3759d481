# SPDX-License-Identifier: MIT
"""Programs that become others, daemons, or others' users, with all of the library at work.

Usage: exec_test.py PART LIBRARY GUEST LINKED, the guest as it is linked with the library

LUNA_LIFE_EXECS says how long the chain of programs is.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import life

NOBODY = 65534
library, guest, linked = (os.path.abspath(path) for path in sys.argv[2:])


def options(folder):
    """All, and profiles by a signal and at the exit."""
    return (life.everything(folder) + f",profile_at_exit:true,profile_file:{folder}/profile.%p.%n"
            f",profile_signal:{int(signal.SIGUSR2)}")


def wait_for(holds, what):
    """Until it holds."""
    for _ in range(600):
        if found := holds():
            return found
        time.sleep(0.05)
    sys.exit(f"failed: {what}")


def metrics(path):
    """What the control socket answers."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(path))
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = b""
        while more := client.recv(65536):
            answer += more
    return answer


def begin(program, part, folder, **more):
    """A guest that waits when it has said its line; the process and the line."""
    process = subprocess.Popen([program, part], env=more.pop("env"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=folder, **more)
    line = process.stdout.readline()
    if not line:
        sys.exit(f"failed: {part}: {process.communicate()[1]}")
    return process, line


def end(process):
    """It says that it is done, and nothing else."""
    output, errors = process.communicate("\n", timeout=60)
    life.expect(process.returncode == 0 and output == "done\n" and errors == "",
                f"ended with {process.returncode}: {output}{errors}")


def chain(folder):
    """One process, one socket, and one profile: that of the last program."""
    count = life.count_of("EXECS")
    output, errors = life.run([guest, "chain", str(count)], library, options(folder), 60 + count)
    life.expect(output == "done\n" and errors == "", output + errors)
    life.expect(len(list(folder.glob("profile.*"))) == 1, "no profile at the exit, or several")
    life.expect(not list(folder.glob("socket.*")), "a socket is left")
    life.expect(len(list(folder.glob("box.*"))) == 2, "the box of the last program and an older")


def daemon(folder):
    """What has %p in its name is the daemon's own, and is where it was asked for."""
    os.environ["LUNA_LIFE_FOLDER"] = str(folder)
    life.run([guest, "daemon"], library, options(folder))
    told = folder / "daemon"
    process = int(wait_for(lambda: told.exists() and told.read_text(), "no daemon"))
    try:
        wait_for((folder / f"box.{process}").exists, "no black box")
        wait_for(lambda: answers(folder / f"socket.{process}"), "no answer")
        os.kill(process, signal.SIGUSR2)
        wait_for(lambda: list(folder.glob(f"profile.{process}.*")), "no profile")
    finally:
        os.kill(process, signal.SIGKILL)
    life.expect(told.read_text() == f"{process}\n", "something was written into its file")


def answers(path):
    """True if somebody listens, and tells of the heap."""
    try:
        return b"lunalloc_live_bytes" in metrics(path)
    except OSError:
        return False


def close_range(folder):
    """The guest looks at its own files."""
    os.environ["LUNA_LIFE_FOLDER"] = str(folder)
    output, errors = life.run([guest, "close_range"], library, options(folder))
    life.expect(output == "done\n" and errors == "", output + errors)


def need_root():
    """Or else the test cannot run."""
    if os.geteuid() != 0:
        life.skip("only root can give up its rights")


def drop_rights(folder):
    """All threads are nobody's, and what was opened before serves on."""
    need_root()
    process, _ = begin(guest, "drop_rights", folder,
                       env=life.environment(library, options(folder)))
    tasks = list(pathlib.Path(f"/proc/{process.pid}/task").glob("*/status"))
    life.expect(len(tasks) >= 5, f"{len(tasks)} threads")
    for task in tasks:
        life.expect(f"\nUid:\t{NOBODY}\t{NOBODY}" in task.read_text(), f"{task} is not nobody's")
    life.expect(b"lunalloc_live_bytes" in metrics(folder / f"socket.{process.pid}"), "no answer")
    box = folder / f"box.{process.pid}"
    before = box.read_bytes()
    wait_for(lambda: box.read_bytes() != before, "the black box has stopped")
    # The folder is root's: neither a profile can be made there, nor the socket removed.
    _, errors = process.communicate("\n", timeout=60)
    life.expect(process.returncode == 0, f"ended with {process.returncode}")
    life.expect(errors.count("\n") == 1 and "Permission denied" in errors, f"it says {errors!r}")


def secure(folder):
    """Of a program with more rights than its caller no option begins anything."""
    need_root()
    if os.statvfs(folder).f_flag & os.ST_NOSUID:
        life.skip("no set-uid programs where temporary files are")
    program = folder / "program"
    shutil.copy(linked, program)
    folder.chmod(0o777)
    env = dict(os.environ, LUNALLOC_CONF=options(folder))
    for part, mode in (("plain", 0o755), ("secure", 0o4755)):
        program.chmod(mode)
        process, _ = begin(str(program), part, folder, env=env, user=NOBODY, group=NOBODY)
        tasks = len(os.listdir(f"/proc/{process.pid}/task"))
        made = [path for path in folder.iterdir() if path != program]
        plain = part == "plain"
        life.expect((tasks > 1) == plain, f"{part}: {tasks} threads")
        life.expect(bool(made) == plain, f"{part}: {made}")
        end(process)
        for path in folder.iterdir():
            life.expect(plain or path == program, f"{part} has made {path}")
            if path != program:
                path.unlink()


def empty_root(folder):
    """Where there is neither /proc nor /sys nor a library when the program begins."""
    need_root()
    shutil.copy(linked, folder / "program")
    os.chmod(folder / "program", 0o755)
    env = dict(os.environ, LUNALLOC_CONF=options(""))
    process, line = begin("/program", "plain", folder, env=env,
                          preexec_fn=lambda: os.chroot(folder))
    number = int(line.split()[1])
    life.expect(answers(folder / f"socket.{number}"), "no answer")
    life.expect((folder / f"box.{number}").exists(), "no black box")
    end(process)
    life.expect(list(folder.glob(f"profile.{number}.*")), "no profile at the exit")


with tempfile.TemporaryDirectory() as place:
    {"chain": chain, "daemon": daemon, "close_range": close_range, "drop_rights": drop_rights,
     "secure": secure, "empty_root": empty_root}[sys.argv[1]](pathlib.Path(place))
