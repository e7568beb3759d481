# SPDX-License-Identifier: MIT
"""What the tests of process life have in common: options, runs with a time limit, and checks."""
import os
import subprocess
import sys

SKIPPED = 77

# So many times a thing is done; the variable LUNA_LIFE_... asks for more.
DEFAULTS = {"FORKS": 50, "ENDS": 50, "THREADS": 10_000, "EXECS": 40,
            "REDIRECTS": 200_000, "DAEMONIZES": 100, "SWITCHES": 2000}


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def skip(why):
    """Ends the test, which cannot run here."""
    print(f"skip: {why}")
    sys.exit(SKIPPED)


def count_of(name):
    """How often, by LUNA_LIFE_<name>."""
    return int(os.environ.get(f"LUNA_LIFE_{name}", DEFAULTS[name]))


def everything(folder, interval=1):
    """Options with which all of the library is at work."""
    return (f"profile:true,profile_interval:{interval},profile_cpu_percent:0,profile_memory:64"
            f",guard_samples:100,guard_slots:8,background:true,socket:{folder}/socket.%p"
            f",blackbox:{folder}/box.%p,blackbox_kib:128")


def environment(library, conf):
    """That of a program on the library."""
    return dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)


def run(command, library, conf, seconds=120, status=0, **more):
    """Runs it to its end, with its process group gone if it hangs; returns stdout and stderr."""
    with subprocess.Popen(command, env=environment(library, conf), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True,
                          **more) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, errors = process.communicate()
            sys.exit(f"failed: {command} with {conf!r} hangs after {seconds} s: {output}{errors}")
    expect(process.returncode == status, f"{command} with {conf!r} ended with"
           f" {process.returncode}, not {status}: {output}{errors}")
    return output, errors
