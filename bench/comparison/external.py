# SPDX-License-Identifier: MIT
"""Scenarios that run programs of Debian: redis, python3, sqlite3 and the compiler."""

import dataclasses
import itertools
import os
import pathlib
import shutil
import socket
import time

from comparison import launch
from comparison.libraries import Library

_names = itertools.count()


def python3(context: launch.Context, library: Library) -> launch.Measurement:
    # pymalloc would keep most objects away from malloc.
    settings = [*library.settings(), "PYTHONMALLOC=malloc"]
    script = context.sources / "scenario" / "python_workload.py"
    command = ["/usr/bin/python3", "-I", str(script), *(["--smoke"] if context.smoke else [])]
    return launch.Run(context, command, settings).finish()


def sqlite3(context: launch.Context, library: Library) -> launch.Measurement:
    script = context.scratch / "workload.sql"
    if not script.exists():
        template = (context.sources / "scenario" / "sqlite_workload.sql").read_text()
        script.write_text(template.replace(":rows", "3000" if context.smoke else "120000"))
    command = [shutil.which("sqlite3") or "sqlite3", "-bail", ":memory:", f".read {script}"]
    return launch.Run(context, command, library.settings()).finish()


def compiler(context: launch.Context, library: Library) -> launch.Measurement:
    # The driver g++ is small, so the RSS reported is that of its child cc1plus.
    source = context.sources / "scenario" / "compiler_workload.cpp"
    command = ["g++", "-std=c++20", "-O1", "-S", "-o", "-", str(source)]
    if context.smoke:
        command.insert(1, "-DSMOKE")
    return launch.Run(context, command, library.settings()).finish()


def redis(context: launch.Context, library: Library) -> launch.Measurement:
    """Time is what the clients waited; RSS, faults and CPU time are the server's."""
    socket_path = context.scratch / f"redis-{next(_names)}"
    command = ["redis-server", "--port", "0", "--unixsocket", str(socket_path), "--save", "",
               "--appendonly", "no", "--daemonize", "no", "--dir", str(context.scratch)]
    server = launch.Run(context, command, redis_settings(library))
    try:
        if not wait_for(socket_path, server):
            return failed_server(server)
        client = run_clients(context, socket_path)
        shut_down(socket_path)
    except BaseException:
        server.kill()
        raise
    measurement = server.finish()
    if measurement.failure or client.failure:
        failure = measurement.failure or f"redis-benchmark: {client.failure}"
        return launch.Measurement(failure=failure)
    return dataclasses.replace(measurement, wall_s=client.wall_s, output_digest="")


def redis_settings(library: Library) -> list[str]:
    # Debian links redis-server with libjemalloc. Without a preload the baseline
    # would be jemalloc; preloading libc itself puts its malloc in front.
    if library.path is None:
        return launch.settings_for(pathlib.Path("libc.so.6"), library.environment)
    return library.settings()


def run_clients(context: launch.Context, socket_path: pathlib.Path) -> launch.Measurement:
    requests = "2000" if context.smoke else "150000"
    # A deep pipeline keeps the server, not the client, the busy one.
    command = ["redis-benchmark", "-s", str(socket_path), "-q", "-c", "16", "-P", "32",
               "-n", requests, "-r", "100000", "-d", "120",
               "-t", "set,get,incr,lpush,rpop,sadd,hset,zadd"]
    return launch.Run(context, command, []).finish()


def wait_for(socket_path: pathlib.Path, server: launch.Run) -> bool:
    """Returns whether the server answered a PING within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not server.ended():
        try:
            if b"PONG" in ask(socket_path, b"PING\r\n"):
                return True
        except OSError:
            time.sleep(0.01)
    return False


def failed_server(server: launch.Run) -> launch.Measurement:
    if not server.ended():
        server.kill()
        return launch.Measurement(failure="redis-server did not answer within 10 s")
    measurement = server.finish()
    return launch.Measurement(failure=measurement.failure or "redis-server ended at once")


def shut_down(socket_path: pathlib.Path) -> None:
    try:
        ask(socket_path, b"SHUTDOWN NOSAVE\r\n")
    except OSError:
        pass  # a server that is gone says so in its own exit status


def ask(socket_path: pathlib.Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(os.fspath(socket_path))
        connection.sendall(request)
        return connection.recv(4096)
