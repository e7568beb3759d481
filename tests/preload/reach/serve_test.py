# SPDX-License-Identifier: MIT
"""`luna serve`: the metrics of several processes on one page, for a Prometheus and for promtool.

Usage: serve_test.py PART LIBRARY LUNA
"""
import contextlib
import http.client
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

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "server")]
from support import BUSY, IDLE, expect, expect_failure, luna, private_folder, running, skip, wait_for

NAME = f"serve{os.getpid()}"  # of the guests, to leave alone all others
NAMED = f"open('/proc/self/comm', 'w').write({NAME!r})\n"
OPEN = "application/openmetrics-text"

# Has a server that is not the library's, in its place: what it answers is in ANSWER.
FALSE_SERVER = NAMED + """
import os, socket, threading
def serve():
    own = threading.get_native_id()
    open(f'/proc/self/task/{own}/comm', 'w').write('lunalloc-http')
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(PATH)
    listener.listen()
    os.dup2(listener.fileno(), 1000)
    while True:
        client, _ = listener.accept()
        if ANSWER is None: kept.append(client); continue
        head = client.recv(4096)
        body = b'lunalloc\\n' if head.startswith(b'GET / ') else ANSWER
        client.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s' % (len(body), body))
        client.close()
threading.Thread(target=serve, daemon=True).start()
"""


@contextlib.contextmanager
def serving(*options, end=signal.SIGTERM):
    """A function that asks for a page: (status, type, text). It must end well."""
    with subprocess.Popen([luna, "serve", "--port", "0", "--only", NAME, *options], text=True,
                          stdout=subprocess.PIPE) as server:
        try:
            line = server.stdout.readline()
            found = re.fullmatch(r"luna: serves at http://(.*):(\d+)/metrics\n", line)
            expect(found, f"it says {line!r}")
            host = found[1].strip("[]")
            yield lambda *request, **options: ask(host, int(found[2]), *request, **options)
            server.send_signal(end)
            expect(server.wait(60) == 0, f"it ended with {server.returncode}")
        finally:
            server.kill()


def ask(host, port, path="/metrics", method="GET", **fields):
    """(status, type, text), or the port alone for no path."""
    if path is None:
        return port
    client = http.client.HTTPConnection(host, port, timeout=60)
    client.request(method, path, headers=fields)
    answer = client.getresponse()
    text = answer.read().decode()
    client.close()
    return answer.status, answer.getheader("Content-Type"), text


def figures(page, name):
    """Of a metric, by process."""
    lines = re.findall(rf'^{name}\{{pid="(\d+)",[^}}]*\}} (\S+)$', page, re.M)
    return {int(process): float(value) for process, value in lines}


def reasons(page):
    """Why they were not reached, by process."""
    return {int(process): reason for process, reason in
            re.findall(r'^luna_not_reached\{pid="(\d+)",.*reason="(.*)"\} 1$', page, re.M)}


def guest(folder, program=IDLE, conf="", name=NAME):
    """One that serves at a socket of its own."""
    named = f"open('/proc/self/comm', 'w').write({name!r})\n"
    return running(named + program, conf=f"socket:{folder}/%p.socket{conf}")


def false_guest(folder, name, answer):
    """One whose server answers this; None: not at all."""
    path = f"{folder}/{name}.socket"
    program = f"PATH, ANSWER, kept = {path!r}, {answer!r}, []\n" + FALSE_SERVER
    return running(program + IDLE.replace("kept = []\n", ""))


def check_page(page):
    """promtool has nothing against it, and each family is there once."""
    types = re.findall(r"^# TYPE (\S+) ", page, re.M)
    expect(len(types) == len(set(types)) > 20, f"families come twice: {types}")
    if shutil.which("promtool") is None:
        skip("there is no promtool")
    result = subprocess.run(["promtool", "check", "metrics"], input=page, text=True,
                            capture_output=True, check=False)
    expect(result.returncode == 0 and not result.stderr, result)


def pages():
    """Both formats, by what the client wants; the list; health; nothing else."""
    with tempfile.TemporaryDirectory() as folder, guest(folder) as one, serving() as get:
        status, kind, page = get()
        expect((status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8"), (status, kind))
        check_page(page)
        for accept, is_open in ((OPEN, True), (f"text/plain;q=0.5, {OPEN.upper()};q=0.5", True),
                                (f"text/plain, {OPEN};q=0.4", False), (f"{OPEN};q=0", False),
                                ("*/*", False)):
            status, kind, page = get(Accept=accept)
            expect(status == 200 and kind.startswith(OPEN) == is_open, (accept, kind))
            expect(page.endswith("\n# EOF\n") == is_open == ("\n# UNIT " in page), accept)
            expect(figures(page, "luna_up") == {one.number: 1}, accept)
        for path in ("/", "/healthz"):
            expect(get(path)[0] == 200, path)
        expect(re.search(rf"^ *{one.number} socket  {NAME}$", get("/")[2], re.M), get("/")[2])
        expect(get("/metrics/")[0] == 404 and get("/metrics", "POST")[0] == 405, "others")
        expect(get("/metrics", "HEAD")[2] == "", "HEAD")


def merged():
    """The figures of each process, under its number and name; they come and go."""
    strange = '"}\\\n\x1b1\u00e9'
    told = strange.replace("\\", "\\\\").replace("\n", "\\n")  # as the kernel does
    with tempfile.TemporaryDirectory() as folder, guest(folder) as one, \
            serving("--only", told) as get:
        with guest(folder, name=strange) as other:
            one.do("kept.append(bytes(40_000_000))")
            other.do("kept.append(bytes(90_000_000))")
            page = get()[2]
            check_page(page)
            live = figures(page, "lunalloc_live_bytes")
            expect(set(live) == {one.number}, f"names are not escaped: {live}")
            name = told.replace("\\", "\\\\").replace('"', '\\"').replace("\x1b", "?")
            label = f'pid="{other.number}",comm="{name}"'
            seen = re.search(rf"^lunalloc_live_bytes\{{{re.escape(label)}\}} (\d+)$", page, re.M)
            expect(seen and 90e6 < int(seen[1]) < 130e6 and 40e6 < live[one.number] < 80e6, page)
            expect(f"luna_up{{{label}}} 1\n" in page, "luna_up")
        page = get()[2]
        expect(label not in page and figures(page, "luna_up") == {one.number: 1}, page[-500:])
        with guest(folder) as other:
            expect(figures(get()[2], "luna_up") == {one.number: 1, other.number: 1}, "a new one")


def not_reached():
    """Who is stopped, does not answer, answers nonsense or has no socket holds up nobody."""
    nonsense = ["lunalloc_x 1\n", "# TYPE luna_up gauge\nluna_up 1\n",
                "# TYPE lunalloc_x gauge\nlunalloc_x 1 2\n",
                '# TYPE lunalloc_x gauge\nlunalloc_x{a="b} 1\n',
                '# TYPE lunalloc_x gauge\nlunalloc_x{pid="1"} 1\n',
                "# TYPE lunalloc_x gauge\nlunalloc_x 1\n# TYPE lunalloc_x counter\n"]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        one, stopped = (stack.enter_context(guest(folder)) for _ in range(2))
        silent = stack.enter_context(false_guest(folder, "silent", None))
        without = stack.enter_context(running(NAMED + IDLE))
        wrong = [stack.enter_context(false_guest(folder, f"wrong{place}", text.encode()))
                 for place, text in enumerate(nonsense)]
        get = stack.enter_context(serving("--timeout", "0.5"))
        expect(figures(get()[2], "luna_up")[stopped.number] == 1, "it is not up")
        os.kill(stopped.number, signal.SIGSTOP)
        try:
            page = get()[2]
        finally:
            os.kill(stopped.number, signal.SIGCONT)
        check_page(page)
        wanted = {stopped.number: "stopped", silent.number: "no_answer",
                  without.number: "no_socket"} | {guest.number: "malformed" for guest in wrong}
        expect(reasons(page) == wanted, (reasons(page), wanted))
        up = figures(page, "luna_up")
        expect(up == {one.number: 1} | {process: 0 for process in wanted}, up)
        expect(set(figures(page, "lunalloc_live_bytes")) == {one.number}, "their figures")
        expect(figures(get()[2], "luna_up")[stopped.number] == 1, "it is not up again")


def attach():
    """With --attach sockets are switched on, kept, and off at the end; else they stay as they are."""
    with running(NAMED + BUSY) as one:
        with serving() as get:
            expect(reasons(get()[2]) == {one.number: "no_socket"}, "without --attach")
        expect(not one.serves(), "without --attach")
        for end in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with serving("--attach", end=end) as get:
                wait_for(lambda: figures(get()[2], "luna_up") == {one.number: 1}, "not attached")
                expect(figures(get()[2], "lunalloc_live_blocks")[one.number] > 0, "no figures")
                expect(one.serves(), "it is not kept")
            expect(not one.serves(), "it stays on")
            left = private_folder() / f"{one.number}.socket"
            expect(not left.exists(), f"{left} stays")


def prometheus():
    """A real one has the figures of both, and sees that one is stopped, and back."""
    if shutil.which("prometheus") is None:
        skip("there is no prometheus")
    import prometheus_test
    with tempfile.TemporaryDirectory() as folder, guest(folder) as one, guest(folder) as other, \
            serving() as get, \
            prometheus_test.scraping(pathlib.Path(folder), get(None)) as (port, last_words):
        one.do("kept.append(bytes(64 << 20))")
        wait = prometheus_test.wait_for
        live = f'lunalloc_live_bytes{{pid="{one.number}",comm="{NAME}"}}'
        values = wait(port, f"{live} > {64 << 20}", bool)
        expect(len(values) == 1, f"no figure: {values}: {last_words()}")
        up = f'luna_up{{pid="{other.number}"}}'
        expect(wait(port, up, lambda found: found == ["1"]) == ["1"], last_words())
        os.kill(other.number, signal.SIGSTOP)
        try:
            expect(wait(port, up, lambda found: found == ["0"]) == ["0"], last_words())
            why = prometheus_test.query(port, f'luna_not_reached{{pid="{other.number}"}}')
            expect(why == ["1"], why)
        finally:
            os.kill(other.number, signal.SIGCONT)
        expect(wait(port, up, lambda found: found == ["1"]) == ["1"], last_words())
        expect(prometheus_test.query(port, "min_over_time(up[1m])") == ["1"], "a scrape failed")


def refusals():
    """What it cannot listen at; where it can; many clients."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        expect_failure(1, "Address already in use; choose another --port", "serve", "--port",
                       taken.getsockname()[1])
    expect_failure(1, "want one as 127.0.0.1", "serve", "--address", "localhost;")
    status = subprocess.run([luna, "serve", "--port", "65536"], capture_output=True, check=False)
    expect(status.returncode == 2, status)
    if pathlib.Path("/proc/net/if_inet6").exists():
        with serving("--address", "::1") as get:
            expect(get("/healthz")[2] == "ok\n", "::1")
    with serving() as get:
        clients = [socket.create_connection(("127.0.0.1", get(None))) for _ in range(100)]
        for client in clients:
            client.close()
        wait_for(lambda: answers(get), "it does not answer after many clients")


def answers(get):
    """Whether it has room for one."""
    try:
        return get("/healthz")[0] == 200
    except (OSError, http.client.HTTPException):
        time.sleep(0.1)
        return False


{"pages": pages, "merged": merged, "not_reached": not_reached, "attach": attach,
 "prometheus": prometheus, "refusals": refusals}[sys.argv[1]]()
