# SPDX-License-Identifier: MIT
"""The programs that soak.py keeps running, each under load that differs from phase to phase.

A server has `work`, a phase of load, and `settle`, which deletes what the phases left, so that it
holds the same at each quiet point. Both check what comes back.
"""
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import time

from soak_scripts import SCRIPTS, settle_line, work_line

PATIENCE = 600  # a hang is beyond doubt, on a machine with other work too


class Fault(Exception):
    """What a program did wrong."""


def expect(condition, message):
    if not condition:
        raise Fault(message)


def ending(status):
    return f"died of {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"


class Place:
    """A folder for one server, and the environment of programs that have the library in them."""

    def __init__(self, folder, library, options):
        self.folder, self.processes = folder, []
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        self.options = options
        sockets = folder / "s"
        sockets.mkdir()
        sockets.chmod(0o777)
        self.sockets = sockets
        self.plain = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8",
                      "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"}
        self.plain.pop("LD_PRELOAD", None)
        self.plain.pop("LUNALLOC_CONF", None)
        conf = ",".join([*options, f"socket:{sockets}/%p"])
        self.preloaded = {**self.plain, "LD_PRELOAD": str(library), "LUNALLOC_CONF": conf}

    def start(self, command, environment, **more):
        """A program in the background; what it says on stderr is kept in the folder."""
        with open(self.folder / "messages", "ab") as messages:
            self.processes.append(subprocess.Popen(
                [str(word) for word in command], cwd=self.folder, env=environment, stderr=messages,
                start_new_session=True, **more))
        return self.processes[-1]

    def end_all(self):
        """Ends what is left after a fault; each program has a process group of its own."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def run(self, command, timeout=PATIENCE, **more):
        """A program to its end, without the library; returns what it printed."""
        result = subprocess.run([str(word) for word in command], cwd=self.folder, env=self.plain,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                                check=False, **more)
        expect(result.returncode == 0, f"{command[0]} {ending(result.returncode)}: "
                                       f"{result.stdout[-500:].decode(errors='replace')}")
        return result.stdout

    def complaints(self):
        """Lines of the allocator itself."""
        messages = self.folder / "messages"
        text = messages.read_text(errors="replace") if messages.exists() else ""
        return [line for line in text.splitlines() if "lunalloc:" in line]


class Dialogue:
    """A program that reads lines and answers each with lines up to one that is a full stop."""

    def __init__(self, place, command, environment):
        self.process = place.start(command, environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.name = pathlib.Path(command[0]).name
        self.unread = b""

    def ask(self, text):
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Fault(f"{self.name} {ending(self.process.wait())}") from None
        end = time.monotonic() + PATIENCE
        while not re.search(rb"^\.\n", self.unread, re.M):
            left = end - time.monotonic()
            expect(left > 0, f"{self.name} does not answer for {PATIENCE} s")
            if select.select([self.process.stdout], [], [], left)[0]:
                piece = os.read(self.process.stdout.fileno(), 65536)
                if not piece:
                    raise Fault(f"{self.name} {ending(self.process.wait())}")
                self.unread += piece
        answer, self.unread = re.split(rb"^\.\n", self.unread, maxsplit=1, flags=re.M)
        return answer

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            status = self.process.wait(30)
        except subprocess.TimeoutExpired:
            raise Fault(f"{self.name} does not end at the end of its input") from None
        expect(status == 0, f"{self.name} {ending(status)}")


class Interpreter:
    """A script beside a twin without the library: both must give the same answers."""

    def __init__(self, name, place):
        self.name = name
        script = SCRIPTS[name]
        if script.file:
            (place.folder / script.file).write_text(script.text)
        self.original = Dialogue(place, script.command, place.plain)
        self.subject = Dialogue(place, script.command, place.preloaded)
        self.pid = self.subject.process.pid
        if not script.file:
            self.ask(script.text)

    def ask(self, text):
        expected, answer = self.original.ask(text), self.subject.ask(text)
        expect(answer == expected and answer.strip(),
               f"{self.name} answers {answer[:200]!r} and not {expected[:200]!r} to {text[:80]!r}")

    def work(self, numbers):
        for _ in range(numbers.randrange(1, 6)):
            size = int(10 ** numbers.uniform(1, SCRIPTS[self.name].largest))
            self.ask(work_line(self.name, numbers.randrange(10 ** 6), size))

    def settle(self):
        self.ask(settle_line(self.name))

    def stop(self):
        self.subject.close()
        self.original.close()


def listens(path):
    """Whether somebody takes connections at a socket: the file is there a little before."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


class Redis:
    """redis-server; its data base 0 keeps the same keys, whose digest must not change."""

    LOADS = ("set,get", "incr,mset", "lpush,lpop,lrange_100", "sadd,spop", "hset", "zadd,zpopmin")

    def __init__(self, name, place):
        self.name, self.place = name, place
        self.process = place.start(["redis-server", "--port", "0", "--unixsocket", "redis.sock",
                                    "--save", "", "--enable-debug-command", "yes"], place.preloaded,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.pid = self.process.pid
        end = time.monotonic() + 30
        while not listens(place.folder / "redis.sock") and time.monotonic() < end:
            time.sleep(0.05)
        self.cli("eval", "for i = 1, 20000 do redis.call('set', 'k' .. i, string.rep('v', i % 700)); "
                         "redis.call('hset', 'h' .. i % 99, i, i) end", "0")
        self.digest = self.cli("debug", "digest")

    def cli(self, *words):
        expect(self.process.poll() is None, "redis-server has ended")
        return self.place.run(["redis-cli", "-e", "-s", "redis.sock", *words])

    def work(self, numbers):
        self.place.run(["redis-benchmark", "-s", "redis.sock", "--dbnum", "1", "-q",
                        # No part of a pipeline is left: then it may say that its clients are gone.
                        "-t", numbers.choice(self.LOADS), "-n", 16 * int(10 ** numbers.uniform(1.8, 3.3)),
                        "-r", int(10 ** numbers.uniform(2, 5)), "-d", int(10 ** numbers.uniform(0, 3.3)),
                        "-c", numbers.choice([1, 10, 50]), "-P", numbers.choice([4, 16])])
        if numbers.random() < 0.3:
            self.cli("-n", "1", "save")

    def settle(self):
        self.cli("-n", "1", "flushdb")
        digest = self.cli("debug", "digest")
        expect(digest == self.digest, f"redis has {digest} and not {self.digest}")

    def stop(self):
        self.process.terminate()
        status = self.process.wait(60)
        expect(status == 0, f"redis-server {ending(status)}")


class Postgresql:
    """A server under pgbench, and one session of it that stays: that backend is looked at."""

    STATEMENTS = (
        "select md5(string_agg(i || 'x', ',' order by i % {0}, i)) from generate_series(1, {1}) i;",
        "with recursive r(n, t) as (select 1, 'a' union all select n + 1, t || n from r where n < {0}) "
        "select md5(string_agg(t, '')) from r;",
        "select md5(jsonb_agg(jsonb_build_object('k', i, 'v', repeat('y', i % {0})) order by i)::text) "
        "from generate_series(1, {1}) i;",
        "do $$ begin for i in 1 .. {0} loop begin perform 1 / (i % 2); "
        "exception when division_by_zero then null; end; end loop; end $$;",
        "select count(*), md5(string_agg(relname, ',' order by relname)) from pg_class, "
        "generate_series(1, {0} / 9) where relname ~ '^pg_(cl|at|ty)';",
    )

    def __init__(self, name, place):
        self.name, self.place = name, place
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}
        if self.user:
            shutil.chown(place.folder, "nobody", "nogroup")
        self.folder = programs_of_postgresql()
        self.run("initdb", "-D", "data", "-A", "trust", "-U", "soak", "--no-sync", "-E", "UTF8",
                 "--locale=C.UTF-8")
        self.process = place.start(
            [self.folder / "postgres", "-D", "data", "-c", "listen_addresses=", "-c", "fsync=off",
             "-c", f"unix_socket_directories={place.folder}", "-c", "shared_buffers=16MB"],
            place.preloaded, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **self.user)
        end = time.monotonic() + 60
        while "ready to accept" not in (place.folder / "messages").read_text():
            expect(self.process.poll() is None and time.monotonic() < end, "postgres does not start")
            time.sleep(0.1)
        self.client = ["-h", place.folder, "-U", "soak"]
        self.run("pgbench", *self.client, "-i", "-q", "-s", "2", "postgres")
        self.session = Dialogue(place, [self.folder / "psql", *self.client, "-XqAt", "-v",
                                        "ON_ERROR_STOP=1", "postgres"], place.plain)
        self.pid = int(self.say("select pg_backend_pid();"))
        self.answers = {}

    def run(self, program, *words):
        return self.place.run([self.folder / program, *words], **self.user)

    def say(self, statement):
        return self.session.ask(statement + "\n\\echo .")

    def work(self, numbers):
        for _ in range(numbers.randrange(1, 8)):
            statement = numbers.choice(self.STATEMENTS).format(
                numbers.choice([20, 200, 900]), numbers.choice([1000, 20000]))
            answer = self.say(statement)
            expected = self.answers.setdefault(statement, answer)
            expect(answer == expected, f"postgres answers {answer!r} and not {expected!r}")
        if numbers.random() < 0.6:
            more = ["-C"] if numbers.random() < 0.3 else ["-M", numbers.choice(["simple", "prepared"])]
            self.run("pgbench", *self.client, "-n", "-c", numbers.choice([1, 4, 8]), "-t",
                     numbers.choice([5, 50, 200]), *more, "postgres")

    def settle(self):
        sums = self.say("select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from "
                        "pgbench_tellers), (select sum(bbalance) from pgbench_branches), "
                        "(select coalesce(sum(delta), 0) from pgbench_history);").split(b"|")
        expect(len({int(amount) for amount in sums}) == 1, f"the sums of pgbench differ: {sums}")
        self.say("discard all;")

    def stop(self):
        self.session.close()
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(60)
        expect(status == 0, f"postgres {ending(status)}")
        log = (self.place.folder / "messages").read_text(errors="replace")
        expect("terminated by signal" not in log, "a process of postgres was killed by a signal")


def programs_of_postgresql():
    """The folder of the newest server that is installed, or None."""
    return max((file.parent for file in pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres")),
               key=lambda folder: int(folder.parent.name), default=None)


def available():
    """{name: class} of the servers whose programs are installed."""
    found = {name: Interpreter for name, script in SCRIPTS.items() if shutil.which(script.command[0])}
    if shutil.which("redis-server") and shutil.which("redis-benchmark"):
        found["redis"] = Redis
    if programs_of_postgresql():
        found["postgresql"] = Postgresql
    return found
