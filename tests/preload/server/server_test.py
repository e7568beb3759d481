# SPDX-License-Identifier: MIT
"""The control socket, by curl and by clients that behave in any way.

Usage: server_test.py PART LIBRARY
"""
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "profile")]
from guest import Guest, ask, connect, expect, read_all, serves, skip, split
import profile_files

part, library = sys.argv[1], os.path.abspath(sys.argv[2])


def curl(guest, address, *arguments):
    """What curl writes."""
    if shutil.which("curl") is None:
        skip("there is no curl")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    result = subprocess.run(
        ["curl", "-sS", "--max-time", "100", "--unix-socket", guest.path, *arguments,
         "http://x" + address], capture_output=True, check=False, env=environment)
    expect(result.returncode == 0, f"curl {address}: {result.stderr}")
    return result.stdout


def threads_of(process):
    """The names of its threads, as lines."""
    return [path.read_text() for path in pathlib.Path(f"/proc/{process}/task").glob("*/comm")]


def pages():
    """Each page by curl, and the types and forms of metrics."""
    with Guest(library) as guest:
        expect(stat.S_IMODE(os.stat(guest.path).st_mode) == 0o600, "others may connect")
        expect("lunalloc-http\n" in threads_of(guest.process.pid), "the thread has another name")
        expect(b"GET /metrics" in curl(guest, "/"), "the index")
        expect(b"\nlunalloc_live_bytes " in curl(guest, "/metrics"), "metrics")
        expect(json.loads(curl(guest, "/stats.json"))["totals"]["live_bytes"] > 0, "statistics")
        expect(b"HTTP/1.1 200 OK" in curl(guest, "/metrics", "-I"), "HEAD")
        expect(curl(guest, "/control/decay.ms") == b"1000\n", "a control")
        plain = ask(guest.path, "/metrics")
        open_form = ask(guest.path, "/metrics", fields=[
            "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4"])
        expect(plain[1]["content-type"] == "text/plain; version=0.0.4; charset=utf-8", plain[1])
        expect(open_form[1]["content-type"].startswith("application/openmetrics-text;"),
               open_form[1])
        expect(open_form[2].endswith(b"# EOF\n"), "OpenMetrics")
        expect(b"# EOF" not in plain[2], "the older format")
        if shutil.which("promtool"):
            checked = subprocess.run(["promtool", "check", "metrics"], input=plain[2],
                                     capture_output=True, check=False)
            expect(checked.returncode in (0, 3) and b"error" not in checked.stderr,
                   checked.stderr)
        expect(guest.end() == "", "something was said on stderr")
        expect(not os.path.exists(guest.path), "the file is there after the exit")


def own_table():
    """What the connections take is lunalloc's own in the statistics."""
    with Guest(library) as guest:
        def telemetry():
            text = json.loads(ask(guest.path, "/stats.json")[2])
            return text["totals"]["telemetry_bytes"], text["resident"]["resident_telemetry_bytes"]

        table, before = telemetry()
        expect(table > 100_000, f"it has {table} bytes")
        clients = [connect(guest.path) for _ in range(31)]
        for client in clients:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 3000)
        while telemetry()[1] < before + 20_000:
            time.sleep(0.05)
        expect(telemetry()[0] == table, "it grew")


def controls():
    """Values are listed, read and set."""
    with Guest(library) as guest:
        listed = {row["name"]: row for row in json.loads(curl(guest, "/control"))}
        expect(listed["decay.ms"]["value"] == 1000 and listed["decay.ms"]["writable"], listed)
        expect(listed["enabled"]["value"] is True and not listed["enabled"]["writable"], listed)
        expect(listed["socket"]["value"] == guest.path, listed)
        expect(curl(guest, "/control/decay.ms", "-X", "PUT", "-d", "50") == b"50\n", "PUT")
        expect(curl(guest, "/control/decay.ms?value=60", "-X", "POST") == b"60\n", "POST")
        expect(curl(guest, "/control/stats.file?value=%2Ftmp%2Fa", "-X", "PUT") == b"/tmp/a\n", "%")
        expect(curl(guest, "/control/memory.purge", "-d", "0") == b"done\n", "an action")
        for address, method, body, status in (
                ("/control/decay.mss", "GET", b"", 404), ("/control/decay.ms", "PUT", b"a", 400),
                ("/control/decay.ms", "PUT", b"", 400), ("/control/enabled", "PUT", b"0", 405),
                ("/control/decay.ms", "DELETE", b"", 405), ("/control/memory.purge", "GET", b"", 405),
                ("/control/decay.ms?value=%4", "PUT", b"", 400), ("/metrics", "PUT", b"1", 405),
                ("/control/socket", "PUT", b"relative", 400),
                ("/control/socket", "PUT", b"/" + b"a" * 107, 400), ("/nothing", "GET", b"", 404)):
            found, fields, words = ask(guest.path, address, method, body)
            expect(found == status, f"{method} {address}: {found}, want {status}: {words}")
            expect(words.endswith(b"\n") and (status != 405 or fields["allow"]), f"{address}: no words")
        expect(b"decay.ms" in ask(guest.path, "/control/decay.mss")[2], "no nearest name")
        expect(ask(guest.path, "/control/decay.ms", "PUT", b"1", ["Origin: http://evil"])[0] == 403,
               "a page in a browser may set a control")
        expect(ask(guest.path, "/control/decay.ms")[2] == b"60\n", "a refused value is in force")


def profiles():
    """Profiles, while samples are off, on, and off again."""
    with Guest(library) as guest:
        status, _, words = ask(guest.path, "/debug/pprof/heap")
        expect(status == 409 and b"profile.active" in words, words)
        ask(guest.path, "/control/profile.interval", "PUT", b"1")
        expect(ask(guest.path, "/control/profile.active", "PUT", b"true")[2] == b"true\n", "on")
        guest.tell("len([kept.append(bytearray(100000)) for i in range(50)])")
        raw = gzip.decompress(curl(guest, "/debug/pprof/heap"))
        expect(b"inuse_space" in raw, "a profile")
        expect(b"Heap profile" in curl(guest, "/debug/pprof/heap?debug=1"), "as text")
        expect(ask(guest.path, "/debug/pprof/heap?debug=2")[0] == 400, "debug=2")
        ask(guest.path, "/control/profile.active", "PUT", b"false")
        expect(ask(guest.path, "/debug/pprof/heap")[0] == 200, "after it was switched off")


def first_shown(profile):
    """The sample type that pprof shows at first."""
    fields = list(profile_files.fields_of(gzip.decompress(profile)))
    return [value for field, value in fields if field == 6][dict(fields)[14]]


def recording():
    """What is allocated in a time; samples are on meanwhile, and no longer."""
    with Guest(library) as guest:
        for wrong in ("", "?seconds=0", "?seconds=601", "?seconds=x", "?seconds=-1"):
            expect(ask(guest.path, "/debug/pprof/allocs" + wrong)[0] == 400, wrong)
        guest.tell("library.luna_control_set_text(b'profile.interval', b'1')")
        client = connect(guest.path)
        client.sendall(b"GET /debug/pprof/allocs?seconds=2&debug=1 HTTP/1.0\r\n\r\n")
        while ask(guest.path, "/control/profile.active")[2] != b"true\n":
            time.sleep(0.05)
        expect(ask(guest.path, "/debug/pprof/allocs?seconds=1")[0] == 409, "two at once")
        guest.tell("len([kept.append(bytearray(100001)) for i in range(50)])")
        status, _, text = split(read_all(client))
        expect(status == 200 and b"4.7 MiB" in text or b"4.8 MiB" in text, text[:300])
        expect(ask(guest.path, "/control/profile.active")[2] == b"false\n", "it stays on")
        for address, first in (("allocs?seconds=1", b"alloc_space"), ("heap", b"inuse_space")):
            status, _, profile = ask(guest.path, "/debug/pprof/" + address)
            expect(status == 200 and first_shown(profile) == first, f"{address}: not {first}")
        client = connect(guest.path)  # one who does not wait
        client.sendall(b"GET /debug/pprof/allocs?seconds=600 HTTP/1.0\r\n\r\n")
        while ask(guest.path, "/control/profile.active")[2] != b"true\n":
            time.sleep(0.05)
        client.close()
        while ask(guest.path, "/control/profile.active")[2] == b"true\n":
            time.sleep(0.05)
        client = connect(guest.path)  # one whom the end of the server leaves alone
        client.sendall(b"GET /debug/pprof/allocs?seconds=600 HTTP/1.0\r\n\r\n")
        while ask(guest.path, "/control/profile.active")[2] != b"true\n":
            time.sleep(0.05)
        guest.tell("library.luna_control_set_text(b'socket', b'off')")
        expect(read_all(client) == b"", "it is answered")
        number = "(lambda n: (library.luna_control_get_number(b'profile.active', ctypes.byref(n)), " \
                 "n.value)[1])(ctypes.c_uint64(7))"
        while guest.tell(number) != 0:
            time.sleep(0.05)


def refusals():
    """Limits and what could be read in two ways; the server goes on."""
    with Guest(library) as guest:
        for text, status in (
                (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n", 414),
                (b"GET / HTTP/1.1\r\nA: " + b"a" * 5000, 431),
                (b"PUT /control/decay.ms HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n"
                 + b"1" * 2000, 413),
                (b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
                (b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
                (b"GET / HTTP/3.0\r\n\r\n", 505), (b"\x16\x03\x01\x02\n", 400)):
            client = connect(guest.path)
            client.sendall(text)
            found, fields, words = split(read_all(client))
            expect(found == status and fields["connection"] == "close" and words, (text, found))
        client = connect(guest.path)
        client.sendall(b"GET /control/decay.ms HTTP/1.1\r\nHost: x\r\n\r\n" * 3
                       + b"GET / HTTP/1.0\r\n\r\n")
        expect(read_all(client).count(b"HTTP/1.1 200 OK") == 4, "four requests in one piece")


def many():
    """A thousand connections at once: 32 are served, the others are told so, none hangs."""
    with Guest(library) as guest:
        clients = [connect(guest.path, 100) for _ in range(1000)]
        texts = []
        for client in clients:
            try:
                client.sendall(b"GET /control/decay.ms HTTP/1.0\r\n\r\n")
            except BrokenPipeError:
                pass
        for client in clients:
            texts.append(read_all(client))
        served = sum(text.startswith(b"HTTP/1.1 200 ") for text in texts)
        turned_away = sum(text.startswith(b"HTTP/1.1 503 ") for text in texts)
        expect(served >= 32 and served + turned_away == 1000, (served, turned_away))
        expect(serves(guest.path), "it serves no more")
        numbers = guest.tell("[name for name in os.listdir('/proc/self/fd')]")
        expect(sum(int(number) > 64 for number in numbers) <= 33, numbers)


def slow():
    """A client that sends a byte a second is told off, and keeps nobody from being served."""
    with Guest(library) as guest:
        client = connect(guest.path)
        for byte in b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n":
            try:
                client.sendall(bytes([byte]))
            except BrokenPipeError:
                break
            began = time.monotonic()
            expect(ask(guest.path, "/control/decay.ms")[0] == 200, "others")
            time.sleep(max(0, began + 1 - time.monotonic()))
        expect(split(read_all(client))[0] == 408, "the slow one")


def garbage():
    """Bytes of any kind, from many clients."""
    chance = random.Random(7)
    with Guest(library) as guest:
        for _ in range(300):
            client = connect(guest.path, 100)
            try:
                client.sendall(chance.randbytes(chance.randrange(3000)) + b"\r\n\r\n"[:chance.randrange(5)])
                client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            if chance.randrange(3):
                client.close()
            else:
                read_all(client)
        expect(serves(guest.path), "it serves no more")


def half_closed():
    """Who says that no more comes is answered; who goes away while we send does no harm."""
    with Guest(library) as guest:
        client = connect(guest.path)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
        expect(split(read_all(client))[0] == 200, "half closed")
        for _ in range(50):
            client = connect(guest.path, 100)
            client.sendall(b"GET /stats.json HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            client.close()
        expect(serves(guest.path), "it serves no more")


def other_user():
    """Another user is refused, even where the file lets it in."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        skip("needs root, and setpriv")
    with Guest(library) as guest:
        os.chmod(guest.folder, 0o755)
        code = ("import socket,sys; c=socket.socket(socket.AF_UNIX); c.connect(sys.argv[1]);"
                "print(c.recv(9999).decode())")
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3",
                   "-c", code, guest.path]
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
        expect("PermissionError" in refused.stderr, refused)
        os.chmod(guest.path, 0o666)
        let_in = subprocess.run(command, capture_output=True, text=True, check=False)
        expect(let_in.stdout.startswith("HTTP/1.1 403 "), let_in)


# A child that lives until its parent tells it to end by closing a pipe.
FORK = "(lambda ends: (lambda child: (kept.append(ends[1]), os.close(ends[0]), child)[2] if child " \
       "else (os.close(ends[1]), os.read(ends[0], 1), sys.exit(0)))(os.fork()))(os.pipe())"


def fork():
    """A child has no server, or with %p one of its own; the parent's goes on, and its file too."""
    with Guest(library) as guest:
        child = guest.tell(FORK)
        expect("lunalloc-http\n" not in threads_of(child), "the child serves")
        guest.tell("os.close(kept.pop())")
        guest.tell(f"os.waitpid({child}, 0)")
        expect(ask(guest.path, "/")[0] == 200, "the parent's is gone")
    with Guest(library, name="socket.%p") as guest:
        child = guest.tell(FORK)
        path = str(guest.folder / f"socket.{child}")
        for _ in range(100):
            if os.path.exists(path):
                break
            time.sleep(0.1)
        expect(ask(path, "/control/decay.ms")[2] == b"1000\n", "the child's")
        guest.tell("os.close(kept.pop())")
        guest.tell(f"os.waitpid({child}, 0)")
        expect(not os.path.exists(path), "the child's file is there after its exit")
        expect(ask(guest.path, "/")[0] == 200, "the parent's is gone")


def close_all():
    """A program that closes all descriptors has a server again, and its own files stay its own."""
    with Guest(library) as guest:
        keep_alive = connect(guest.path)
        keep_alive.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        expect(keep_alive.recv(9999), "no answer")
        mine = str(guest.folder / "mine")
        guest.tell(f"[os.closerange(3, 4096), [os.open({mine!r}, os.O_RDWR | os.O_CREAT) for i in "
                   "range(1000)]][0]")
        deadline = time.monotonic() + 30
        answer = None
        while answer is None and time.monotonic() < deadline:
            try:
                answer = ask(guest.path, "/control/decay.ms")[2]
            except (OSError, SystemExit):
                time.sleep(0.1)
        expect(answer == b"1000\n", "no server again")
        expect(guest.tell("all([os.fstat(i).st_size == 0 for i in range(3, 1003)])"), "files changed")
        expect(read_all(keep_alive) == b"", "the old connection")


def two():
    """The second process is told that the path is taken; one that died is replaced."""
    with Guest(library) as guest:
        with Guest(library, folder=guest.folder) as other:
            expect("a living process listens there" in other.end(), "no word of it")
        expect(ask(guest.path, "/")[0] == 200, "the first")
        guest.process.send_signal(signal.SIGKILL)
        guest.process.wait()
        expect(os.path.exists(guest.path), "the file of the dead")
        with Guest(library, folder=guest.folder) as other:
            expect(ask(other.path, "/")[0] == 200, "the second")
            expect(other.end() == "", "it complains")


def moves():
    """The control begins, moves and ends it; a wrong one changes nothing."""
    with Guest(library) as guest:
        new = str(guest.folder / "new")
        expect(ask(guest.path, "/control/socket", "PUT", new.encode())[0] == 200, "moved by itself")
        expect(not os.path.exists(guest.path), "the old file")
        expect(ask(new, "/control/socket")[2].decode() == new + "\n", "the new one")
        expect(guest.tell("library.luna_control_set_text(b'socket', b'/nowhere/at/all')") != 0, "wrong")
        expect(ask(new, "/control/socket")[2].decode() == new + "\n", "after a wrong one")
        expect(guest.tell("library.luna_control_set_text(b'socket', b'off')") == 0, "off")
        expect(not os.path.exists(new), "the file stays")
        value = json.dumps(guest.path).strip('"')
        expect(guest.tell(f"library.luna_control_set_text(b'socket', b'{value}')") == 0, "on again")
        expect(ask(guest.path, "/control/socket", "PUT", b"off")[2] == b"off\n", "off by itself")
        expect(guest.end() == "", "it complains")


def exit_waits():
    """A process ends while a client waits, and at once."""
    with Guest(library) as guest:
        client = connect(guest.path)
        client.sendall(b"GET /debug/pprof/allocs?seconds=600 HTTP/1.1\r\nHost: x\r\n\r\n")
        while ask(guest.path, "/control/profile.active")[2] != b"true\n":
            time.sleep(0.05)
        guest.end()
        expect(read_all(client) == b"", "the client")
        expect(not os.path.exists(guest.path), "the file")


def numbers():
    """The program gets the descriptors that it would get; others that it starts get none of ours."""
    with Guest(library) as guest:
        without = subprocess.run(["/usr/bin/python3", "-c", "import os; print(os.open('/', 0))"],
                                 capture_output=True, text=True, check=True)
        client = connect(guest.path)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(99999)
        expect(guest.tell("os.open('/', 0)") == int(without.stdout), "another number")
        listed = guest.tell("__import__('subprocess').run(['ls', '-l', '/proc/self/fd'], env={}, "
                            "close_fds=False, capture_output=True, text=True).stdout")
        expect("socket:" not in listed, listed)


def wrong():
    """Values that make no sense are named on stderr, and the program runs."""
    for value, words in (("relative", "from the root"), ("/" + "a" * 107, "107 bytes"),
                         ("/tmp/%x", "after %"), ("/nowhere/at/all", "No such file")):
        environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=f"socket:{value}")
        result = subprocess.run(["/bin/true"], env=environment, capture_output=True, text=True,
                                check=False)
        expect(result.returncode == 0 and words in result.stderr, result)
    with tempfile.NamedTemporaryFile() as file:
        environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=f"socket:{file.name}")
        result = subprocess.run(["/bin/true"], env=environment, capture_output=True, text=True,
                                check=False)
        expect("no socket" in result.stderr and os.path.exists(file.name), result)


{"exit": exit_waits}.get(part, globals().get(part))()
