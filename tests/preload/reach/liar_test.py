# SPDX-License-Identifier: MIT
"""What the verbs of `luna` make of a process that serves nonsense: a line, in bounded time and memory.

Usage: liar_test.py PART LIBRARY LUNA
"""
import contextlib
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import expect, luna

GIB = 1 << 30
# It looks like the library: a thread of that name, a socket with such a number. Its index is right,
# the rest is what the expression `says` gives, a part at a time, and `gap` seconds between them.
LIAR = """
import ctypes, fcntl, itertools, os, socket, sys, threading, time
def ok(body): return b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body
path, says, gap = sys.argv[1], eval(sys.argv[2]), float(sys.argv[3])
def serve():
    ctypes.CDLL(None).prctl(15, b"lunalloc-http", 0, 0, 0)
    own = socket.socket(socket.AF_UNIX)
    own.bind(path)
    own.listen()
    server = socket.socket(fileno=fcntl.fcntl(own.fileno(), fcntl.F_DUPFD, 1000))
    own.close()
    print("ready", flush=True)
    while True:
        client, _ = server.accept()
        try:
            index = client.recv(4096).startswith(b"GET / ")
            for part in [ok(b"lunalloc\\n")] if index else says():
                client.sendall(part)
                time.sleep(0 if index else gap)
        except OSError:
            pass
        client.close()
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
"""
DEEP = 'b"[" * 1000000 + b"]" * 1000000'
VERBS = (["stats"], ["ctl"], ["ctl", "--json"], ["purge"], ["profile", "-o", "-"],
         ["profile", "--format", "text"], ["profile", "--format", "heap_v2"],
         ["leaks"], ["leaks", "--format", "json"], ["patterns"], ["patterns", "--format", "json"],
         ["top", "--count", "1"], ["watch", "--when", "rss>1", "--do", "stats"])


@contextlib.contextmanager
def liar(says, gap=0.0):
    """Its number. `says`: of Python, gives what gives the parts of an answer."""
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            [sys.executable, "-c", LIAR, f"{folder}/s", says, str(gap)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as process:
        try:
            expect(process.stdout.readline() == "ready\n", "the liar does not begin")
            yield process.pid
        finally:
            process.kill()


def limit():
    """Before luna: it has so much memory, and leaves no core."""
    resource.setrlimit(resource.RLIMIT_AS, (GIB, GIB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ask(number, verb, patience=60):
    """(exit status, output, messages) of luna."""
    result = subprocess.run([luna, verb[0], str(number), *verb[1:], "--timeout", str(patience)],
                            capture_output=True, timeout=200, check=False, preexec_fn=limit)
    return result.returncode, result.stdout, result.stderr.decode()


def expect_complaint(number, words, status=None, verbs=VERBS, patience=60):
    """Each verb fails, in a line that says so."""
    for verb in verbs:
        seen = ask(number, verb, patience)
        expect(seen[0] == status if status else seen[0] in (1, 3, 4), f"{verb}: {seen}")
        line = seen[2]
        expect(line.startswith("luna: ") and line.count("\n") == 1, f"{verb}: {seen}")
        expect(line[:-1].isprintable() and len(line) < 600, f"{verb}: {seen}")
        expect(any(word in line for word in words), f"{verb}: {line}")
        expect(seen[1] == b"", f"{verb}: {seen}")


def lengths():
    """Answers that are shorter or longer than they say, or do not say it."""
    for says, words in (
            ('lambda: [b"HTTP/1.1 200 OK\\r\\nContent-Length: 100\\r\\n\\r\\nshort"]',
             "closed within the answer"),
            ('lambda: [b"HTTP/1.1 200 OK\\r\\n\\r\\n", b"x" * 100]', "how long it is"),
            ('lambda: [b"HTTP/1.1 200 OK\\r\\nContent-Length: -1\\r\\n\\r\\n"]', "how long it is"),
            ('lambda: [b"HTTP/1.1 200 OK\\r\\nContent-Length: 99999999999\\r\\n\\r\\n"]', "1.0 GiB"),
            ('lambda: [b"HTTP/1.1 200 OK\\r\\nContent-Length: 9" + b"9" * 50 + b"\\r\\n\\r\\n"]',
             "how long it is"),
            ('lambda: []', "closed before the answer"),
            ('lambda: [b"HTTP/9 hello\\r\\n\\r\\n"]', "no server of HTTP")):
        with liar(says) as number:
            expect_complaint(number, [words], status=3)


def endless():
    """Heads and bodies that never end, at full speed and in drips, and silence."""
    with liar('lambda: itertools.repeat(b"x" * 65536)') as number:
        expect_complaint(number, ["no server of HTTP"], status=3)
    with liar('lambda: itertools.chain([b"HTTP/1.1 200 OK\\r\\nContent-Length: 1073741824'
              '\\r\\n\\r\\n"], itertools.repeat(b"x" * 65536))') as number:
        expect_complaint(number, ["no memory"], status=1, verbs=[["stats"], ["ctl"], ["leaks"]])
    begin = 'b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n"'
    for says in (f'lambda: itertools.chain([{begin}], itertools.repeat(b"x"))',
                 'lambda: itertools.repeat(b"H")', f'lambda: [{begin}, time.sleep(100)]'):
        with liar(says, gap=0.05) as number:
            expect_complaint(number, ["no answer in time"], status=4, patience=0.5)


def nonsense():
    """Bodies that are nothing that was asked for."""
    every = [verb for verb in VERBS if verb not in (["stats"], ["ctl", "--json"],
                                                    ["profile", "--format", "heap_v2"])]
    for body in ('b""', 'b"{"', 'b"\\x00\\xff\\x1b[31m" * 1000', '"\u202e".encode()', 'b"[1, 2"',
                 DEEP, 'b"{}"', 'b"[1,2,3]"', 'b\'{"format":"lunalloc-heap-profile"}\'',
                 'b\'{"format":"lunalloc-leak-report","version":7}\'',
                 'b\'[{"name": 1}]\'', 'b\'{"reconciliation": 7}\'',
                 'b\'{"patterns":{"top_sites":7}}\''):
        with liar(f"lambda: [ok({body})]") as number:
            # An empty list of controls is one.
            verbs = [verb for verb in every if body not in ('b"{}"', DEEP) or verb != ["ctl"]]
            expect_complaint(number, [": ", "; "], status=1, verbs=verbs)


def rows():
    """Reports that look right, with rows that make no sense: what does is told."""
    head = '"format":"lunalloc-heap-profile","version":1,"kind":"heap"'
    profile = (f'b\'{{{head},"size_bounds":7,"modules":[{{"path":"/etc/passwd","begin":"0x0",'
               '"end":"0xffffffffffffffff","build_id":"zz"}],"sites":[{"frames":["0x10"],'
               '"live":{"bytes":-1}}],"patterns":{"top_sites":[1,{"site":99},{"site":-5},'
               '{"site":0,"usual_size_bucket":1e300}],"thread_pairs":[{},7],"threads":[7],'
               '"anomalies":{}}}\'')
    with liar(f"lambda: [ok({profile})]") as number:
        for verb in (["profile", "--format", "text"], ["profile", "--format", "json"],
                     ["patterns"], ["patterns", "--format", "json"]):
            status, output, _ = ask(number, verb)
            expect(status == 0 and output, f"{verb}: {status}")
        output = ask(number, ["patterns"])[1].decode()
        expect(output.count("Among those") == 1 and "0x" in output, output)
    nested = (f'b\'{{{head},"sites":[{{}}],"patterns":{{"a":\' + {DEEP} + b\'}}}}\'',
              f'b\'[{{"name":"a","writable":true,"unit":"","help":"","value":\' + {DEEP} + b"}}]"')
    for body, verb, status in zip(nested, (["patterns", "--format", "json"], ["ctl"]), (1, 0),
                                  strict=True):
        with liar(f"lambda: [ok({body})]") as number:
            seen = ask(number, verb)
            expect(seen[0] == status and seen[1], f"{verb} of what lies deep: {seen[0]}")
    cut = profile.replace('"patterns"', '"cut')
    with liar(f"lambda: [ok({cut})]") as number:
        status, output, error = ask(number, ["profile", "--format", "text"])
        expect(status == 1 and b", 1 site\n" in output and "cut short" in error,
               f"{status} {error} {output}")


globals()[sys.argv[1]]()
