# SPDX-License-Identifier: MIT
"""Real programs that were started with the library and no option, asked by `luna` as they run.

Usage: subjects_test.py LIBRARY LUNA SUBJECT

What docs/real-subjects.md shows. Each subject is a function below; none is stopped, restarted or
configured on the way. Prints what luna says.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import support
from postgresql_test import programs

luna = os.path.abspath(sys.argv[2])
EXTENSION = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>

char* tally_last;

static PyObject* tally_add(PyObject* self, PyObject* argument) {
  Py_ssize_t length = 0;
  const char* text = PyUnicode_AsUTF8AndSize(argument, &length);
  if (text == NULL) return NULL;
  tally_last = malloc((size_t)length + 1);  // and nobody frees the one before
  memcpy(tally_last, text, (size_t)length + 1);
  return PyLong_FromSsize_t(length);
}

static PyMethodDef methods[] = {{"add", tally_add, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "tally", NULL, -1, methods};
PyMODINIT_FUNC PyInit_tally(void) { return PyModule_Create(&module); }
"""
COUNTS = """
import sys, time, tally
print("ready", flush=True)
for number in range(1_000_000):
    tally.add("a line of the log, " * 100)
    if number % 10 == 0: time.sleep(0.001)
"""
KEEPS = """
const kept = [];
setInterval(() => {
  for (let i = 0; i < 20; i++) { Buffer.alloc(9000); kept.push(Buffer.alloc(12000, i)); }
}, 5);
console.log('ready');
"""


def ask(*words):
    """What luna says, which must do it. Printed as one types it."""
    result = subprocess.run([luna, *map(str, words)], capture_output=True, text=True, timeout=120,
                            check=False)
    print(f"$ luna {' '.join(map(str, words))}\n{result.stdout}{result.stderr}", flush=True)
    support.expect(result.returncode == 0, f"luna {words[0]} ended with {result.returncode}")
    return result.stdout


def resident(pid):
    """MiB of a process."""
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def begin(pid):
    """It is found, and takes samples from now on."""
    row = re.search(rf"^ *{pid} .*", ask("ps"), re.M)
    support.expect(row and ("ready" in row[0] or "socket" in row[0]), f"luna ps: {row}")
    # A small interval and no cap of the CPU time, for a test has only seconds.
    ask("ctl", pid, "profile.active=true", "profile.interval=65536", "profile.cpu_percent=0")


def suspect(pid, word):
    """A condition: the first of its leaks is one with the word on its stack."""
    def found():
        report = subprocess.run([luna, "leaks", str(pid)], capture_output=True, text=True,
                                timeout=120, check=True).stdout
        first = re.search(r"^1\. (leak|grows)(.*?)(\n\n|\Z)", report, re.M | re.S)
        return first and word in first[2]
    return found


def redis(stage):
    """A list that grows; what it leaves when it is deleted goes back at once."""
    arguments = ["redis-benchmark", "-s", "redis.sock", "-q", "-n", "100000", "-r", "400000",
                 "-d", "300", "-t"]
    with stage.server(["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--save", ""],
                      ) as server:
        server.wait_until(lambda: (stage.directory / "redis.sock").exists())
        stage.command([*arguments, "set"], compare_messages=False)
        # While it works, for one that is idle may take the same few blocks for a long time.
        with subprocess.Popen([*arguments, "set", "-l"], cwd=stage.directory,
                              stdout=subprocess.DEVNULL) as load:
            try:
                begin(server.pid)
            finally:
                load.kill()
        stage.command([*arguments, "lpush"], compare_messages=False)
        stage.command([*arguments, "lpush"], compare_messages=False)
        report = ask("leaks", server.pid)
        support.expect("pushGenericCommand" in report.split("\n2. ")[0], "who pushes is not first")
        stage.command(["redis-cli", "-s", "redis.sock", "flushall"])
        before = resident(server.pid)
        ask("purge", server.pid)
        support.expect(resident(server.pid) < before / 2, f"of {before} MiB too much is left")


def python3(stage):
    """An extension that forgets what it copies: the line."""
    (stage.directory / "tally.c").write_text(EXTENSION)
    include = subprocess.run(
        ["/usr/bin/python3", "-c", "import sysconfig; print(sysconfig.get_path('include'))"],
        capture_output=True, text=True, check=True).stdout.strip()
    if not pathlib.Path(include, "Python.h").exists():
        print("skipped: python3-dev is not installed")
        sys.exit(support.SKIPPED)
    subprocess.run(["gcc", "-g", "-O1", "-shared", "-fPIC", f"-I{include}", "-o", "tally.so",
                    "tally.c"], cwd=stage.directory, check=True)
    with stage.server(["/usr/bin/python3", "-c", COUNTS], stop=signal.SIGKILL,
                      environment={"PYTHONPATH": str(stage.directory)}, statuses=(-9,)) as server:
        server.wait_until(lambda: b"ready" in server.log.read_bytes())
        begin(server.pid)
        server.wait_until(suspect(server.pid, "tally_add"), 50)
        line = EXTENSION[:EXTENSION.index("tally_last = malloc")].count("\n") + 1
        support.expect(f"tally.c:{line}" in ask("leaks", server.pid), f"no line {line}")
        text = ask("profile", server.pid, "--format", "text")
        support.expect(f"tally.c:{line}" in text, f"no line {line} in the profile")


def postgresql(stage):
    """A session that prepares statements and never deallocates one."""
    user = "nobody" if os.getuid() == 0 else None
    if user:
        shutil.chown(stage.directory, user)
        copy = shutil.copy(stage.preloaded, stage.directory.parent / stage.preloaded.name)
        os.chmod(copy, 0o755)
        stage.preload(copy)
    folder = programs()
    stage.command([folder / "initdb", "-D", "data", "-A", "trust", "-U", "tester", "--no-sync"], user=user)
    command = [folder / "postgres", "-D", "data", "-c", "listen_addresses=", "-c",
               f"unix_socket_directories={stage.directory}"]
    with stage.server(command, stop=signal.SIGINT, user=user) as server:
        server.wait_until(lambda: b"ready to accept" in server.log.read_bytes())
        with subprocess.Popen([folder / "psql", "-h", stage.directory, "-U", "tester", "-XqAt",
                               "postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as session:
            def execute(sql):
                session.stdin.write(sql + "\n")
                session.stdin.flush()
            execute("select pg_backend_pid();")
            backend = int(session.stdout.readline())

            def prepare():
                for number in range(12000):
                    execute(f"prepare p{number} as select {number}, * from pg_class where oid = $1;")
                execute("select 'done';")
            # Beside its work: one that only waits cannot be asked.
            work = threading.Thread(target=prepare, daemon=True)
            work.start()
            begin(backend)
            work.join()
            support.expect(session.stdout.readline() == "done\n", "the session does not end")
            report = ask("leaks", backend)
            support.expect("PrepareQuery" in report.split("\n2. ")[0], "who prepares is not first")
            execute("deallocate all; select 'gone';")
            support.expect(session.stdout.readline() == "gone\n", "the session does not go on")
            before = resident(backend)
            ask("purge", backend)
            support.expect(resident(backend) < before / 2, f"of {before} MiB too much is left")
            session.stdin.close()


def node(stage):
    """Buffers that are kept, of which the heap of JavaScript knows nothing."""
    with stage.server(["node", "-e", KEEPS], stop=signal.SIGKILL, statuses=(-9,)) as server:
        server.wait_until(lambda: b"ready" in server.log.read_bytes())
        begin(server.pid)
        server.wait_until(suspect(server.pid, "Buffer"), 50)
        ask("leaks", server.pid)
        ask("stats", server.pid)


SUBJECTS = {redis: {"redis-server": "redis-server", "redis-benchmark": "redis-tools"},
            python3: {"/usr/bin/python3": "python3", "gcc": "gcc"},
            postgresql: {}, node: {"node": "nodejs"}}


def main():
    subject = next(function for function in SUBJECTS if function.__name__ == sys.argv[3])
    for program, package in SUBJECTS[subject].items():
        if not support.find(program):
            print(f"skipped: {package} is not installed")
            sys.exit(support.SKIPPED)
    if subject is postgresql and not programs():
        print("skipped: postgresql is not installed")
        sys.exit(support.SKIPPED)
    support.end_children_with_us()
    with tempfile.TemporaryDirectory(prefix="lunalloc-subject-") as top, contextlib.ExitStack() as end:
        os.chmod(top, 0o755)
        directory = pathlib.Path(top, "stage")
        directory.mkdir(mode=0o755)
        end.callback(support.kill_descendants)
        try:
            subject(support.Stage(directory, pathlib.Path(sys.argv[1]).resolve()))
        except support.Failure as failure:
            sys.exit(f"FAILED: {failure}")


if __name__ == "__main__":
    main()
