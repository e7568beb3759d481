# SPDX-License-Identifier: MIT
"""Processes on lunalloc that `luna` talks to, and the command itself."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

SKIPPED = 77
NOBODY = 65534
PYTHON = "/usr/bin/python3"
library, luna = map(os.path.abspath, sys.argv[2:4])
# Ignored in what a shell has started in the background, or nohup, and so in what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Comes by slow paths of malloc all the time, and does what a line of stdin says.
BUSY = """
import select, sys, time
kept = []
print("ready", flush=True)
while True:
    if select.select([sys.stdin], [], [], 0.005)[0]:
        line = sys.stdin.readline()
        if not line: break
        exec(line)
        print("done", flush=True)
    blocks = [bytes(size) for size in range(3000)]
"""
# Does nothing between lines.
IDLE = BUSY.replace("select.select([sys.stdin], [], [], 0.005)[0]", "True").replace(
    "    blocks = [bytes(size) for size in range(3000)]\n", "")


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def skip(why):
    """Ends the test, which cannot run here."""
    print(f"skip: {why}")
    sys.exit(SKIPPED)


class Guest:
    """A process that is running."""

    def __init__(self, process):
        self.process = process
        self.number = process.pid
        expect(process.stdout.readline() == "ready\n", "the guest does not begin")

    def do(self, line):
        """Has it carried out there."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        expect(self.process.stdout.readline() == "done\n", "the guest does not go on")

    def socket(self):
        """What its control says."""
        answer = subprocess.run([luna, "attach", str(self.number), "?socket", "--timeout", "60"],
                                capture_output=True, text=True, check=True).stdout
        return answer.removeprefix("socket = ").rstrip("\n")

    def serves(self):
        """Whether it is to, by its control."""
        return self.socket() not in ("", "off")


@contextlib.contextmanager
def running(program=BUSY, conf=None, prefix=(), preload=library, user=None):
    """A guest; it must end well when its stdin does."""
    environment = {name: value for name, value in os.environ.items() if name != "LUNALLOC_CONF"}
    environment["PYTHONMALLOC"] = "malloc"
    if conf:
        environment["LUNALLOC_CONF"] = conf
    preloaded = [PYTHON, "-c", f"import os; os.environ['LD_PRELOAD'] = {preload!r}\n"
                 f"os.execv({PYTHON!r}, [{PYTHON!r}, '-c', {program!r}])"]
    with subprocess.Popen([*prefix, *preloaded], env=environment, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True, user=user) as process:
        try:
            yield Guest(process)
            process.stdin.close()
            expect(process.wait(60) == 0, f"the guest ended with {process.returncode}")
        finally:
            process.kill()


def ask(*arguments, environment=None, **options):
    """(exit status, output, message) of luna."""
    result = subprocess.run([luna, *map(str, arguments)], text=True, capture_output=True,
                            timeout=200, check=False, env={**os.environ, **(environment or {})},
                            **options)
    return result.returncode, result.stdout, result.stderr


def output_of(*arguments, **options):
    """What luna prints, which must do what it is told."""
    status, output, message = ask(*arguments, **options)
    expect(status == 0 and message == "", f"luna {arguments}: {status}: {message}")
    return output


def expect_failure(status, words, *arguments, **options):
    """It fails so, in one line that has these words."""
    seen = ask(*arguments, **options)
    expect(seen[0] == status, f"luna {arguments}: {seen}, not {status}")
    expect(seen[2].startswith("luna: ") and seen[2].count("\n") == 1 and words in seen[2],
           f"luna {arguments}: not {words!r}: {seen[2]!r}")


def wait_for(holds, what):
    """Until it holds, for a minute."""
    end = time.monotonic() + 60
    while not holds():
        expect(time.monotonic() < end, what)
        time.sleep(0.01)


def private_folder(user=None, base="/tmp"):
    """Where `luna` has its socket."""
    return pathlib.Path(base) / f"lunalloc-{os.geteuid() if user is None else user}"
