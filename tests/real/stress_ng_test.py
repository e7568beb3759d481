# SPDX-License-Identifier: MIT
"""stress-ng: blocks of all sizes in processes and threads, forks, clones, heaps that grow, signals.

Each stressor checks its own results (--verify) and ends after a number of operations; with the library
all run again with every block sampled. LUNA_STRESS_NG_SECONDS gives each so many seconds instead.
`brk` is left out: it writes below the first program break, where the C library's malloc has memory
and no other allocator has.
"""
import os
import re

import support

STRESSORS = [
    ("malloc", 10000, ["--malloc-bytes", "16m", "--malloc-max", "500"]),
    ("malloc", 10000, ["--malloc-pthreads", "3", "--malloc-max", "4096"]),
    ("malloc", 5000, ["--malloc-thresh", "65536", "--malloc-touch"]),
    ("fork", 60, []),
    ("vfork", 200, []),
    ("clone", 20, []),
    ("daemon", 40, []),
    ("pthread", 300, []),
    ("bigheap", 400, ["--bigheap-growth", "256k"]),
    ("vm", 600, ["--vm-bytes", "16m"]),
    ("mmap", 3, ["--mmap-bytes", "2m"]),
    ("madvise", 2, []),
    ("remap", 1, []),
    ("stack", 1, []),
    ("sigsegv", 200, []),
    ("heapsort", 2, ["--heapsort-size", "20000"]),
    ("tree", 1, ["--tree-size", "5000"]),
    ("hash", 20, []),
]
EVERY_BLOCK = "profile:true,profile_interval:1"
SECONDS = int(os.environ.get("LUNA_STRESS_NG_SECONDS", "0"))


def run(stage, stressor, conf):
    """Plays one stressor in two processes; fails on what it finds wrong and on a dead worker."""
    name, operations, options = stressor
    bound = ["--timeout", f"{SECONDS}s"] if SECONDS else [f"--{name}-ops", operations]
    before = len(stage.messages)
    stage.command(["stress-ng", "--verify", "--oomable", "--temp-path", stage.directory,
                   f"--{name}", "2", *bound, *options], environment=conf, timeout=SECONDS + 60)
    messages = stage.messages[before]
    del stage.messages[before:]  # they tell times and process ids
    support.expect(b"successful run completed" in messages, f"{name}: {support.tail(messages)}")
    wrong = re.search(rb"(?i)\b(fail|error|killed|lunalloc)\b.*|finished prematurely.*", messages)
    support.expect(not wrong, f"{name}: {support.tail(messages)}")


def scenario(stage):
    for conf in [{}, {"LUNALLOC_CONF": EVERY_BLOCK}] if stage.preloaded else [{}]:
        for stressor in STRESSORS:
            run(stage, stressor, conf)
    return {"stressors": str(len(STRESSORS)).encode()}


if __name__ == "__main__":
    support.main(scenario, {"stress-ng": "stress-ng"})
