# SPDX-License-Identifier: MIT
"""nginx with several workers under load from ab: files, gzip, a proxy, a cache, reloads."""
import gzip
import os
import re
import signal
import urllib.error
import urllib.request

import support

CONFIGURATION = """
%(user)s
daemon off;
worker_processes 3;
pid %(directory)s/nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log %(directory)s/access.log;
  client_body_temp_path %(directory)s/body;
  proxy_temp_path %(directory)s/proxy;
  fastcgi_temp_path %(directory)s/fastcgi;
  uwsgi_temp_path %(directory)s/uwsgi;
  scgi_temp_path %(directory)s/scgi;
  proxy_cache_path %(directory)s/cache keys_zone=cache:1m;
  gzip on;
  gzip_types text/plain;
  server {
    listen 127.0.0.1:%(port)d;
    root %(directory)s/files;
    location /proxy/ { proxy_pass http://unix:%(directory)s/inner.sock:/; }
    location /cached/ { proxy_pass http://unix:%(directory)s/inner.sock:/; proxy_cache cache;
                        proxy_cache_valid 200 1m; }
  }
  server {
    listen unix:%(directory)s/inner.sock;
    root %(directory)s/files;
    location /echo { return 200 "$request_uri $args"; }
  }
}
"""

REQUESTS = ["/small.txt", "/large.txt", "/proxy/large.txt", "/cached/large.txt",
            "/proxy/echo?a=b", "/nothing"]


def fetch(port, path, **headers):
    """Returns status and body of one request."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            body = answer.read()
            packed = answer.headers.get("Content-Encoding") == "gzip"
            return answer.status, gzip.decompress(body) if packed else body
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def load(stage, port, path, count, *options):
    """Sends many requests at once; every one must be answered with the same 200."""
    output = stage.command(["ab", "-q", "-c", "16", "-n", str(count), *options,
                            f"http://127.0.0.1:{port}{path}"], compare_messages=False).decode()
    complete = re.search(r"Complete requests: +(\d+)", output)
    failed = re.search(r"Failed requests: +(\d+)", output)
    support.expect(complete and int(complete[1]) == count and failed[1] == "0"
                   and "Non-2xx" not in output, output)


def scenario(stage):
    stage.write("files/small.txt", "small\n")
    stage.write("files/large.txt", "".join(f"line {n * n}\n" for n in range(20000)))
    port = support.free_port()
    stage.write("nginx.conf", CONFIGURATION % {
        "directory": stage.directory, "port": port, "user": "user root;" if os.getuid() == 0 else ""})
    command = ["nginx", "-e", "stderr", "-p", stage.directory, "-c", stage.directory / "nginx.conf"]
    stage.check_program("nginx", stage.environment)

    with stage.server(command, stop=signal.SIGQUIT) as server:
        server.wait_until(lambda: fetch(port, "/small.txt"))
        server.wait_until(lambda: len(support.descendants(server.pid)) >= 3)
        stage.check_family(server.pid)
        workers = support.descendants(server.pid)
        answers = [fetch(port, path, **headers) for path in REQUESTS
                   for headers in ({}, {"Accept-Encoding": "gzip"})]
        load(stage, port, "/small.txt", 3000, "-k")
        load(stage, port, "/large.txt", 300, "-H", "Accept-Encoding: gzip")
        load(stage, port, "/proxy/large.txt", 300)
        # No connection is kept here: an old worker may close such a one at any time.
        for _ in range(3):
            os.kill(server.pid, signal.SIGHUP)
            load(stage, port, "/cached/large.txt", 300)
        server.wait_until(lambda: not set(workers) & set(support.descendants(server.pid)))
        answers += [fetch(port, path) for path in REQUESTS]
        log = server.log.read_text()
    support.expect("signal" not in log.replace("signal process started", ""), log)
    statuses = " ".join(str(status) for status, _ in answers)
    return {"statuses": statuses.encode(), "bodies": support.digest(b"".join(b for _, b in answers))}


if __name__ == "__main__":
    support.main(scenario, {"nginx": "nginx-light", "ab": "apache2-utils"})
