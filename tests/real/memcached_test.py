# SPDX-License-Identifier: MIT
"""memcached with worker threads: clients set, get, append and delete at the same time."""
import os
import random
import socket
import threading

import support

CLIENTS = 6


class Client:
    """Speaks the text protocol over the server's Unix socket."""

    def __init__(self, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(str(path))
        self.stream = connection.makefile("rwb")

    def ask(self, line, body=None):
        """Sends one command and returns the first line of the answer."""
        self.stream.write(line.encode() + b"\r\n" + (body + b"\r\n" if body is not None else b""))
        self.stream.flush()
        return self.stream.readline().rstrip()

    def get(self, key):
        header = self.ask(f"get {key}")
        if header == b"END":
            return None
        length = int(header.split()[3])
        value = self.stream.read(length + 2)[:-2]
        support.expect(self.stream.readline() == b"END\r\n", "no END after a value")
        return value

    def statistics(self):
        line, found = self.ask("stats"), {}
        while line != b"END":
            _, name, value = line.split(b" ", 2)
            found[name.decode()] = value
            line = self.stream.readline().rstrip()
        return found


def churn(path, number, problems):
    """Works on keys of its own and compares each answer with a plain dict."""
    try:
        client, numbers, expected = Client(path), random.Random(number), {}
        for step in range(2500):
            key = f"{number}-{numbers.randrange(300)}"
            action = numbers.randrange(10)
            if action < 4:
                expected[key] = numbers.randbytes(1) * numbers.choice([10, 300, 5000, 40000])
                client.ask(f"set {key} 0 0 {len(expected[key])}", expected[key])
            elif action < 5 and key in expected:
                expected[key] += b"more"
                client.ask(f"append {key} 0 0 4", b"more")
            elif action < 6:
                found = client.ask(f"delete {key}") == b"DELETED"
                support.expect(found == (expected.pop(key, None) is not None), f"delete {key}: {found}")
            else:
                support.expect(client.get(key) == expected.get(key), f"get {key} in step {step}")
    except (support.Failure, OSError) as problem:
        problems.append(f"client {number}: {problem}")


def scenario(stage):
    path = stage.directory / "memcached.sock"
    command = ["memcached", "-s", path, "-m", "256", "-t", "4", "-c", "200", "-o",
               "slab_reassign,slab_automove=2"]
    if os.getuid() == 0:
        command += ["-u", "root"]

    with stage.server(command) as server:
        client = server.wait_until(lambda: Client(path))
        stage.check_process(server.pid)
        problems = []
        clients = [threading.Thread(target=churn, args=(path, n, problems)) for n in range(CLIENTS)]
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
        support.expect(not problems, "\n".join(problems))
        # Short connections: each has buffers of its own.
        for i in range(300):
            Client(path).ask(f"set c{i} 0 0 5", b"hello")
        found = client.statistics()
    names = ["curr_items", "bytes", "get_hits", "get_misses", "cmd_set", "evictions", "threads"]
    return {"statistics": b"".join(b"%s %s\n" % (name.encode(), found[name]) for name in names)}


if __name__ == "__main__":
    support.main(scenario, {"memcached": "memcached"})
