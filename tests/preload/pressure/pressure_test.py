# SPDX-License-Identifier: MIT
"""What the library does before the kernel does: warnings, release, and the thread behind it.

Usage: pressure_test.py PART LIBRARY GUEST
"""
import os
import pathlib
import resource
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "machine"))
import own_cgroup  # beside the tests of limits

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
MIB = 1 << 20


def run(part, mebibytes=0, conf="", prepare=None):
    """The guest's status and what it said."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, part, str(mebibytes)], env=environment, text=True,
                            capture_output=True, timeout=200, check=False, preexec_fn=prepare)
    return result.returncode, result.stdout, result.stderr


def passes(part, mebibytes=0, conf="", prepare=None):
    """The guest ends well and says nothing on stderr."""
    status, output, errors = run(part, mebibytes, conf, prepare)
    if status or "done" not in output or errors:
        sys.exit(f"failed: {part} with {conf!r} ended with {status}: {output}{errors}")


def grow():
    """Low, moderate and critical are told before the kernel kills, and the fall after it."""
    with own_cgroup.make_or_skip("grow", 200 * MIB) as own:
        passes("grow", 200, prepare=own.enter)


def above():
    """The same, where the limit is that of a cgroup above the one of the process."""
    with own_cgroup.make_or_skip("above", 200 * MIB) as own, \
            own_cgroup.make_or_skip("inside", None, own) as inside:
        passes("grow", 200, prepare=inside.enter)


def check():
    """A program that looks by its own calls."""
    with own_cgroup.make_or_skip("check", 200 * MIB) as own:
        passes("check", 200, prepare=own.enter)


def reuse():
    """Without a thread or a subscriber: what is free goes back before growth meets the limit."""
    # Long enough that nothing goes back for its age alone.
    conf = "decay_ms:1000000"
    with own_cgroup.make_or_skip("reuse", 400 * MIB) as own:
        status, _, _ = run("reuse", 400, conf + ",pressure_release:false", own.enter)
        if status != -signal.SIGKILL:
            sys.exit(f"failed: this limit is none: {status}, so the test shows nothing")
        passes("reuse", 400, conf, own.enter)


def idle():
    """A program that frees 1 GiB and then sleeps returns it within 3 s."""
    # A process each: who takes as much three times over is expected to do so again, and kept for.
    for blocks in ("small", "slab", "run", "span"):
        passes(f"idle_{blocks}", 1024, "background:true")


def fork():
    """Children have the thread as soon as somebody wants it."""
    passes("fork_with_subscription")
    passes("fork_in_background", 64, "background:true")


def fork_in_threads():
    """Forks at any moment of a subscription or a call."""
    passes("fork_in_threads")
    passes("fork_in_threads", conf="background:true,soft_limit_mib:1")


def unsubscribe():
    """From within the callback."""
    passes("unsubscribe", 64, "soft_limit_mib:64")


def worker():
    """The thread is there when it is asked for, and takes no signals."""
    passes("worker", conf="background:true")
    passes("main_ends", conf="background:true")
    passes("no_worker")
    passes("disabled", conf="background:true,enabled:false")


def exiting():
    """Nobody waits for a callback at the exit."""
    passes("exit_in_callback", 64, "soft_limit_mib:64")


def limits():
    """Limits of one's own, and refusals."""
    passes("soft_limit", 64, "soft_limit_mib:64")
    passes("hard_limit", 64, "hard_limit_mib:64")
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2000 * MIB, 2000 * MIB))
    passes("refusal", 3000, prepare=limit)


def errors():
    """Every error of the header, and options that make no sense."""
    passes("errors")
    for conf in ("pressure_low_percent:90", "pressure_critical_percent:101"):
        status, _, said = run("errors", conf=conf)
        if status or said.count("pressure_") != 1:
            sys.exit(f"failed: {conf}: {status} {said}")
    for conf in ("reserve_kib:999999999999999999", "hard_limit_mib:64,reserve_kib:65536"):
        status, _, said = run("errors", conf=conf)
        if status or said.count("reserve_kib") != 1 or "it is ignored" not in said:
            sys.exit(f"failed: {conf}: {status} {said}")
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (300 * MIB, 300 * MIB))
    status, _, said = run("errors", conf=f"reserve_kib:{295 * 1024}", prepare=limit)
    if status or "it is kept as soon as there is room" not in said:
        sys.exit(f"failed: what cannot be kept now: {status} {said}")


PARTS = {part.__name__: part for part in (
    grow, above, check, reuse, idle, fork, fork_in_threads, unsubscribe, worker, exiting, limits,
    errors)}
PARTS[sys.argv[1]]()
