# SPDX-License-Identifier: MIT
"""A process with the library and the option socket, which does what it is told; and its clients."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77

# Answers each line of input, a Python expression, with a line.
PROGRAM = """
import ctypes, json, os, sys
library = ctypes.CDLL(None)
kept = []
for line in sys.stdin:
    try: answer = eval(line)
    except SystemExit: raise
    except Exception as error: answer = repr(error)
    print(json.dumps(answer), flush=True)
"""


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def skip(why):
    """Ends the test, which cannot run here."""
    print(f"skip: {why}")
    sys.exit(SKIPPED)


class Guest:
    """The process. `with` ends it and removes its folder."""

    def __init__(self, library, conf="", name="socket", folder=None):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="lunalloc_server_"))
        self.path = str(self.folder / name)
        conf = f"socket:{self.path}" + (f",{conf}" if conf else "")
        environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", PROGRAM], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.path = self.path.replace("%p", str(self.process.pid))
        self.tell("0")

    def tell(self, expression):
        """Its value."""
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"failed: the guest is dead: {self.process.stderr.read()}")
        return json.loads(answer)

    def end(self):
        """Its last words on stderr."""
        self.process.stdin.close()
        errors = self.process.stderr.read()
        expect(self.process.wait(30) == 0, f"the guest ended with {self.process.returncode}: {errors}")
        return errors

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.process.kill()
        self.process.wait()
        if self.own_folder:
            shutil.rmtree(self.folder)


def connect(path, tries=1):
    """A client's socket."""
    for left in range(tries, 0, -1):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        try:
            client.connect(path)
            return client
        except OSError:
            client.close()
            if left == 1:
                raise
            time.sleep(0.1)
    return None


def read_all(client):
    """What comes until the end; a reset after it is none of our business."""
    parts = []
    try:
        while part := client.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    client.close()
    return b"".join(parts)


def ask(path, address, method="GET", body=b"", fields=()):
    """Status, fields and body, over a connection of its own."""
    client = connect(path, 50)
    lines = [f"{method} {address} HTTP/1.1", "Host: x", "Connection: close", *fields]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return split(read_all(client), method)


def serves(path):
    """Whether it answers as it should, once those before us are gone."""
    deadline = time.monotonic() + 60
    status = 503
    while status == 503 and time.monotonic() < deadline:
        status, _, body = ask(path, "/control/decay.ms")
    return status == 200 and body == b"1000\n"


def split(text, method="GET"):
    """A response in its parts."""
    head, _, body = text.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    expect(first.startswith("HTTP/1.1 "), f"no response: {text[:200]}")
    fields = dict(line.lower().split(": ", 1) for line in lines)
    if method != "HEAD":
        expect(int(fields["content-length"]) == len(body), "the length is wrong")
    return int(first.split()[1]), fields, body
