# SPDX-License-Identifier: MIT
"""A real Prometheus scrapes the socket through a proxy and answers a query.

Usage: prometheus_test.py LIBRARY
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from guest import Guest, connect, expect, skip

CONFIG = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: guest
    static_configs:
      - targets: ['127.0.0.1:{port}']
"""


def copy(source, target):
    """Until there is no more."""
    try:
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def proxy(listener, path):
    """Hands each connection on to the socket."""
    while True:
        outer, _ = listener.accept()
        inner = connect(path, 50)
        for ends in ((outer, inner), (inner, outer)):
            threading.Thread(target=copy, args=ends, daemon=True).start()


def free_port():
    """A port that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def query(port, text):
    """The values that Prometheus has for it; none while it is not ready."""
    address = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": text})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=10) as answer:
            return [row["value"][1] for row in json.load(answer)["data"]["result"]]
    except OSError:
        return []


@contextlib.contextmanager
def scraping(folder, scraped):
    """A Prometheus that asks there each second: its port, and a function for its last words."""
    config, log = folder / "prometheus.yml", folder / "log"
    config.write_text(CONFIG.format(port=scraped))
    port = free_port()
    with open(log, "wb") as output, subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=output, stderr=output) as server:
        try:
            yield port, lambda: log.read_text()[-2000:]
        finally:
            server.kill()


def wait_for(port, text, holds):
    """The values of a query when they are as wanted, or after two minutes."""
    deadline = time.monotonic() + 120
    while not holds(values := query(port, text)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return values


def main():
    """The figures of the guest are found by a query."""
    if shutil.which("prometheus") is None:
        skip("there is no prometheus")
    with Guest(os.path.abspath(sys.argv[1])) as guest:
        guest.tell("len([kept.append(bytearray(1 << 20)) for i in range(64)])")
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=proxy, args=(listener, guest.path), daemon=True).start()
        with scraping(guest.folder, listener.getsockname()[1]) as (port, last_words):
            values = wait_for(port, "lunalloc_live_bytes", bool)
            expect(values and float(values[0]) > 64 << 20, f"no figure: {values}: {last_words()}")
            expect(query(port, "up") == ["1"], "the scrape failed")


if __name__ == "__main__":
    main()
