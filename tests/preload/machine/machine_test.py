# SPDX-License-Identifier: MIT
"""What luna_machine_read() says, against what the files of the kernel say to this test.

Usage: machine_test.py PART LIBRARY GUEST
"""
import contextlib
import os
import pathlib
import re
import resource
import subprocess
import sys

import own_cgroup

library, guest = (os.path.abspath(path) for path in sys.argv[2:])
UNKNOWN = 2**64 - 1
UNLIMITED = 2**64 - 2
MIB = 1 << 20


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def text_of(path):
    """The text of a file; None if there is none."""
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return None


def number(path):
    """The number in a file, UNKNOWN if there is none."""
    text = text_of(path)
    return UNKNOWN if text is None else int(text)


def kib(text, key):
    """The bytes behind a key."""
    match = re.search(rf"^{key}:\s+(\d+) kB$", text, re.M)
    return int(match[1]) << 10 if match else UNKNOWN


@contextlib.contextmanager
def run(prepare=None):
    """The guest while it waits, and what it printed: (process, {name: value})."""
    environment = dict(os.environ, LD_PRELOAD=library)
    with subprocess.Popen([guest], env=environment, stdin=subprocess.PIPE, text=True,
                          stdout=subprocess.PIPE, preexec_fn=prepare) as process:
        said = {}
        for line in process.stdout:
            name, _, value = line.rstrip("\n").partition(" ")
            said[name] = int(value) if value.isdigit() else value
            if name == "done":
                break
        try:
            expect("done" in said, f"the guest ended early: {said}")
            yield process.pid, said
        finally:
            process.communicate()
    expect(process.returncode == 0, f"the guest ended with {process.returncode}")


def same(said, **expected):
    """Each number is as expected."""
    for name, value in expected.items():
        expect(said[name] == value, f"{name} is {said[name]}, not {value}")


def chosen(path, words):
    """The place of the word in brackets."""
    match = re.search(r"\[(.*)\]", text_of(path) or "")
    return words.index(match[1]) if match else UNKNOWN


def machine():
    """What is the same for all processes."""
    huge = "/sys/kernel/mm/transparent_hugepage"
    with run() as (_, said):
        memory = text_of("/proc/meminfo")
        same(said, memory_bytes=kib(memory, "MemTotal"), swap_bytes=kib(memory, "SwapTotal"),
             page_bytes=os.sysconf("SC_PAGE_SIZE"),
             overcommit_mode=number("/proc/sys/vm/overcommit_memory"),
             overcommit_percent=number("/proc/sys/vm/overcommit_ratio"),
             max_mappings=number("/proc/sys/vm/max_map_count"),
             pressure_is_measured=int((text_of("/proc/pressure/memory") or "").startswith("some")),
             huge_pages=chosen(f"{huge}/enabled", ["never", "madvise", "always"]),
             huge_defrag=chosen(f"{huge}/defrag",
                                ["never", "madvise", "defer", "defer+madvise", "always"]))
        available = kib(memory, "MemAvailable")
        expect(abs(said["available_bytes"] - available) < said["memory_bytes"] // 4,
               f"{said['available_bytes']} bytes are available, not {available}")
        folder = pathlib.Path("/sys/devices/system/node")
        nodes = [path for path in folder.glob("node[0-9]*")] if folder.is_dir() else []
        same(said, nodes=len(nodes) or UNKNOWN)
        for node in nodes:
            total = re.search(r"MemTotal:\s+(\d+) kB", text_of(node / "meminfo"))
            same(said, **{node.name: int(total[1]) << 10})
        pools = list(pathlib.Path("/sys/kernel/mm/hugepages").glob("hugepages-*"))
        for pool in pools:
            size = int(re.fullmatch(r"hugepages-(\d+)kB", pool.name)[1]) << 10
            same(said, **{f"pool{size}": number(pool / "nr_hugepages"),
                          f"pool{size}free": number(pool / "free_hugepages")})
        expect(sum(name.startswith("pool") for name in said) == 2 * len(pools), "other pools")


def process():
    """What is of the process, without limits and with some."""
    with run() as (pid, said):
        status = text_of(f"/proc/{pid}/status")
        same(said, address_space_bytes=kib(status, "VmSize"), data_bytes=kib(status, "VmData"),
             mappings=len(text_of(f"/proc/{pid}/maps").splitlines()))
        for name, kind in (("address_space", resource.RLIMIT_AS), ("data", resource.RLIMIT_DATA)):
            limit = resource.prlimit(pid, kind)[0]
            same(said, **{f"{name}_limit": UNLIMITED if limit == -1 else limit})

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (3000 * MIB, 3000 * MIB))
        resource.setrlimit(resource.RLIMIT_DATA, (2000 * MIB, 2000 * MIB))

    with run(limit) as (_, said):
        same(said, address_space_limit=3000 * MIB, data_limit=2000 * MIB)


def cgroup():
    """The cgroup that the test is in, whatever it is."""
    found = own_cgroup.memory_cgroup()
    with run() as (_, said):
        if found is None:
            print("no memory cgroup can be seen: all of it has to be unknown")
            same(said, cgroup_version=0, cgroup_path="", cgroup_bytes=UNKNOWN,
                 cgroup_limit_bytes=UNKNOWN)
            return
        version, _, folder = found
        same(said, cgroup_version=version, cgroup_path=str(folder))
        usage = number(folder / ("memory.current" if version == 2 else "memory.usage_in_bytes"))
        if usage == UNKNOWN:
            same(said, cgroup_bytes=UNKNOWN)  # the root of version 2
        else:
            expect(usage / 4 < said["cgroup_bytes"] < usage * 4,
                   f"{said['cgroup_bytes']} bytes in use, not {usage}")
            expect(said["cgroup_working_set_bytes"] <= said["cgroup_bytes"], "a larger working set")


def nested():
    """A cgroup of our own, without a limit, in one that has one."""
    with own_cgroup.make_or_skip("limited", 256 * MIB) as limited, \
            own_cgroup.make_or_skip("free", None, limited) as free:
        if free.version == 1:
            free.write("memory.soft_limit_in_bytes", 64 * MIB)
        with run(free.enter) as (_, said):
            v1 = free.version == 1
            same(said, cgroup_version=free.version, cgroup_path=str(free.folder),
                 cgroup_max_bytes=UNLIMITED, cgroup_limit_bytes=256 * MIB,
                 cgroup_high_bytes=UNKNOWN if v1 else UNLIMITED,
                 cgroup_soft_bytes=64 * MIB if v1 else UNKNOWN,
                 cgroup_max_events=0, cgroup_oom_kills=0,
                 cgroup_oom_events=UNKNOWN if v1 else 0)
            expect(0 < said["cgroup_bytes"] < 64 * MIB, f"{said['cgroup_bytes']} bytes")
            expect(0 < said["cgroup_limit_used_bytes"] < 64 * MIB, "of the limit")
            expect(said["cgroup_working_set_bytes"] <= said["cgroup_bytes"], "a larger working set")


PARTS = {part.__name__: part for part in (machine, process, cgroup, nested)}
PARTS[sys.argv[1]]()
