# SPDX-License-Identifier: MIT
"""redis-server under redis-benchmark, with BGSAVE (fork) under load, then a reload."""
import random
import socket
import subprocess

import support

CONFIGURATION = """
port 0
unixsocket redis.sock
dir .
dbfilename dump.rdb
save ""
appendonly no
enable-debug-command yes
activedefrag no
io-threads 2
"""


class Client:
    """Speaks the redis protocol over the server's Unix socket."""

    def __init__(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(path))
        self.stream = connection.makefile("rwb")

    def ask(self, *words):
        self.send([words])
        return self.answer()

    def send(self, commands):
        for words in commands:
            words = [str(word).encode() for word in words]
            self.stream.write(b"*%d\r\n" % len(words))
            self.stream.writelines(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self.stream.flush()

    def answer(self):
        line = self.stream.readline()[:-2]
        support.expect(line[:1] not in (b"-", b""), f"redis answers {line!r}")
        if line[:1] == b"$":
            return None if line == b"$-1" else self.stream.read(int(line[1:]) + 2)[:-2]
        if line[:1] == b"*":
            return [self.answer() for _ in range(int(line[1:]))]
        return line[1:]


def connect(path):
    """Returns a client as soon as the server has read its dump, else None."""
    client = Client(path)
    return client if b"\nloading:0" in client.ask("INFO", "persistence") else None


def fixed_load(client):
    """Fills the server with all types, from small to large; the same in both runs."""
    numbers = random.Random(5)
    for batch in range(60):
        commands = []
        for _ in range(100):
            key = numbers.randrange(3000)
            commands += [
                ("SET", f"string:{key}", "v" * numbers.randrange(2000)),
                ("APPEND", f"string:{key % 50}", "w" * numbers.randrange(200)),
                ("HSET", f"hash:{key % 40}", f"field{key}", numbers.random()),
                ("LPUSH", f"list:{key % 30}", "x" * numbers.randrange(100)),
                ("ZADD", f"zset:{key % 20}", numbers.randrange(10**6), f"member{key}"),
                ("SADD", f"set:{key % 25}", key),
                ("DEL", f"string:{numbers.randrange(3000)}"),
            ]
        client.send(commands)
        for _ in commands:
            client.answer()
    client.ask("EVAL", "for i = 1, 500 do redis.call('SET', 'lua:' .. i, string.rep('l', i)) end", 0)
    client.ask("XADD", "stream", "1-1", "field", "value" * 100)


def benchmark(stage, tests, count):
    """Returns a load of random keys as a running process."""
    command = [support.find("redis-benchmark"), "-s", "redis.sock", "-t", tests, "-n", str(count), "-r",
               "20000", "-d", "300", "-c", "20", "-P", "8", "--threads", "2", "-q"]
    return subprocess.Popen(command, cwd=stage.directory, env=stage.environment,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def save_under_load(stage, client, server):
    """Lets the server fork and write its dump while clients change the data."""
    load = benchmark(stage, "set,get,incr,lpush,hset,sadd,zadd,spop,lpop", 5000)
    saves = 0
    while load.poll() is None:
        before = client.ask("LASTSAVE"), client.ask("DBSIZE")
        client.ask("BGSAVE", "SCHEDULE")
        server.wait_until(lambda: b"rdb_bgsave_in_progress:0" in client.ask("INFO", "persistence"))
        support.expect(b"rdb_last_bgsave_status:ok" in client.ask("INFO", "persistence"),
                       f"BGSAVE failed after {before}")
        saves += 1
    output = load.communicate()[0]
    support.expect(load.returncode == 0 and b"rror" not in output,
                   f"redis-benchmark {support.ending(load.returncode)}\n{support.tail(output)}")
    support.expect(saves > 0, "no BGSAVE ran under load")


def scenario(stage):
    stage.write("redis.conf", CONFIGURATION)
    command = ["redis-server", "redis.conf"]
    path = stage.directory / "redis.sock"
    stage.check_program("redis-benchmark", stage.environment)

    with stage.server(command) as server:
        client = server.wait_until(lambda: connect(path))
        stage.check_process(server.pid)
        fixed_load(client)
        fixed = client.ask("DBSIZE"), client.ask("DEBUG", "DIGEST")
        save_under_load(stage, client, server)
        client.ask("MEMORY", "PURGE")
        client.ask("SAVE")
        saved = client.ask("DBSIZE"), client.ask("DEBUG", "DIGEST")

    with stage.server(command) as server:
        client = server.wait_until(lambda: connect(path))
        reloaded = client.ask("DBSIZE"), client.ask("DEBUG", "DIGEST")
        support.expect(saved == reloaded, f"saved {saved}, but reloaded {reloaded}")
        client.ask("FLUSHALL")

    checked = stage.command(["redis-check-rdb", "dump.rdb"])
    support.expect(b"RDB looks OK" in checked, support.tail(checked))
    return {"size and digest of the data": b" ".join(fixed)}


if __name__ == "__main__":
    support.main(scenario, {"redis-server": "redis-server", "redis-benchmark": "redis-tools"})
