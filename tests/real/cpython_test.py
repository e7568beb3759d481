# SPDX-License-Identifier: MIT
"""CPython's own tests of what an allocator can break: threads, forks, signals, mappings, buffers, the collector.

The same tests must run, fail and be skipped without the library, with it, and with every block sampled.
LUNA_CPYTHON_TESTS=test_io,test_ssl,... runs these modules instead.
"""
import os
import pathlib
import re

import support

PYTHON = "/usr/bin/python3"
MODULES = ["test_gc", "test_fork1", "test_thread", "test_threading_local", "test_threadsignals", "test_memoryview",
           "test_mmap", "test_finalization", "test_ctypes"]
EVERY_BLOCK = "profile:true,profile_interval:1"


def installed():
    """True if there is a test to run: a system without the package has test.support alone, or nothing."""
    return any(folder.glob("test_gc.py") for folder in pathlib.Path("/usr/lib").glob("python3.*/test"))


def verdicts(stage, modules, conf):
    """How many tests each module ran, and those that did not pass."""
    output = stage.command([PYTHON, "-m", "test", "-v", *modules], environment=conf, timeout=1500,
                           compare_messages=False, statuses=(0, 2))
    text = output.decode(errors="replace")
    support.expect("lunalloc:" not in text, support.tail(output))
    ran = re.findall(r"^Ran (\d+ tests?) in", text, re.M)
    support.expect(len(ran) >= len(modules), support.tail(output))
    wrong = sorted(set(re.findall(r"^(?:FAIL|ERROR): .*", text, re.M)))
    return "\n".join(ran + wrong).encode()


def scenario(stage):
    modules = os.environ.get("LUNA_CPYTHON_TESTS", ",".join(MODULES)).split(",")
    found = verdicts(stage, modules, {})
    if stage.preloaded:
        sampled = verdicts(stage, modules, {"LUNALLOC_CONF": EVERY_BLOCK})
        support.expect(sampled == found, f"with {EVERY_BLOCK}\n{support.difference(found, sampled)}")
    return {"tests that ran, and those that failed": found}


if __name__ == "__main__":
    support.main(scenario, {PYTHON: "python3"} if installed() else {"regrtest": "libpython3.11-testsuite"})
