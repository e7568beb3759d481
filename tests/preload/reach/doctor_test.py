#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `luna doctor` says of processes: with the library, and without it for each reason that can
be had without more rights.

usage: doctor_test.py LUNA LIBRARY STATIC_PROGRAM
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile


def examine(luna, process, *more):
    done = subprocess.run([luna, "doctor", str(process), *more], text=True, capture_output=True,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


class Sleeper:
    """A program that waits, with an environment of its own."""

    def __init__(self, arguments, **environment):
        clean = {key: value for key, value in os.environ.items()
                 if key not in ("LD_PRELOAD", "LD_LIBRARY_PATH")}
        self.process = subprocess.Popen(arguments, env=dict(clean, **environment),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def __enter__(self):
        self.process.stdin.write(b"x\n")  # `cat` answers when it runs
        self.process.stdin.flush()
        assert self.process.stdout.read(1) == b"x"
        return self.process.pid

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def main():
    luna, library, static = map(os.path.abspath, sys.argv[1:])
    cat = shutil.which("cat")
    with Sleeper([cat], LD_PRELOAD=library) as process:
        status, said, wrong = examine(luna, process)
        assert "is the malloc of the process" in said and wrong == "", (said, wrong)
        rows = json.loads(examine(luna, process, "--json")[1])
        assert rows[0] == {"health": "ok", "what": "lunalloc", "mend": "", "means": "",
                           "is": "is the malloc of the process"}, rows[0]
        assert status == (1 if any(row["health"] == "mend" for row in rows) else 0), rows
        assert {"cgroup", "huge pages", "overcommit"} <= {row["what"] for row in rows}, rows
    folder = tempfile.mkdtemp()
    cases = [
        ([cat], {}, "does not name the library", "luna run --"),
        ([cat], {"LD_PRELOAD": "/nowhere/liblunalloc.so"}, "there is no /nowhere/liblunalloc.so",
         "container"),
        ([cat], {"LD_PRELOAD": "liblunalloc-nowhere.so"}, "where libraries are looked for",
         "whole path"),
        ([cat], {"LD_PRELOAD": "./nowhere/liblunalloc.so"}, "relative", "whole path"),
        ([cat], {"LD_PRELOAD": f"{folder}/liblunalloc.so"}, "could not load", "/bin/true"),
        ([static], {"LD_PRELOAD": library}, "is a static program", ""),
        ([cat], {"LD_PRELOAD": library, "LUNALLOC_CONF": "enabled:false"}, "enabled:false", ""),
    ]
    with open(f"{folder}/liblunalloc.so", "w", encoding="ascii") as broken:
        broken.write("no library\n")
    for arguments, environment, means, mend in cases:
        with Sleeper(arguments, **environment) as process:
            status, said, _ = examine(luna, process)
            assert status == 1 and "MEND  lunalloc" in said, (environment, said)
            assert means in said and mend in said, (environment, said)
    shutil.rmtree(folder)
    status, said, wrong = examine(luna, 999_999_999)
    assert status == 3 and said == "" and "there is no process" in wrong, (status, said, wrong)
    assert examine(luna, "nonsense")[0] == 2


if __name__ == "__main__":
    main()
