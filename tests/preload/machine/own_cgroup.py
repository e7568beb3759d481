# SPDX-License-Identifier: MIT
"""The memory cgroup of a process as its files say, and cgroups that a test makes for itself."""
import os
import pathlib
import sys
import time


def controllers_of(process):
    """{controllers: path} of /proc/PID/cgroup."""
    lines = pathlib.Path(f"/proc/{process}/cgroup").read_text().splitlines()
    return {line.split(":", 2)[1]: line.split(":", 2)[2] for line in lines}


def memory_cgroup(process="self"):
    """(version, mount point, folder) of its memory cgroup; None if it cannot be seen."""
    paths = controllers_of(process)
    version, path = 2, paths.get("")
    for controllers, its_path in paths.items():
        if "memory" in controllers.split(","):
            version, path = 1, its_path
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, after = line.split(" - ")
        root, point = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        is_it = kind == "cgroup2" if version == 2 else (
            kind == "cgroup" and "memory" in options.split(","))
        if is_it and path is not None and (path + "/").startswith(root.rstrip("/") + "/"):
            folder = pathlib.Path(point + path[len(root.rstrip("/")):].rstrip("/"))
            if folder.is_dir():
                return version, point, folder
    return None


class OwnCgroup:
    """A new cgroup below the one of this process or, of version 2, at the top. Its limit is so
    many bytes. Removed at the end; its processes must have ended by then."""

    def __init__(self, name, limit, inside=None):
        found = memory_cgroup()
        if found is None:
            raise OSError("no memory cgroup can be seen")
        self.version, point, folder = found
        above = inside.folder if inside else folder if self.version == 1 else pathlib.Path(point)
        if self.version == 2:
            (above / "cgroup.subtree_control").write_text("+memory")
        self.folder = above / f"lunalloc_{name}_{os.getpid()}"
        self.folder.mkdir()
        try:
            if limit is not None:
                self.write("memory.max" if self.version == 2 else "memory.limit_in_bytes", limit)
        except OSError:
            self.folder.rmdir()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for _ in range(100):
            try:
                return self.folder.rmdir()
            except OSError:
                time.sleep(0.05)  # the kernel may not be done with the last process
        return self.folder.rmdir()

    def write(self, name, value):
        """Sets one of its files."""
        (self.folder / name).write_text(str(value))

    def read(self, name):
        """The text of one of its files."""
        return (self.folder / name).read_text()

    def enter(self):
        """Moves the calling process there; for preexec_fn."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))


def make_or_skip(name, limit, inside=None):
    """A cgroup; ends the test as skipped, with the reason, where none can be made."""
    try:
        return OwnCgroup(name, limit, inside)
    except OSError as error:
        print(f"skip: no cgroup can be made here: {error}")
        sys.exit(77)
