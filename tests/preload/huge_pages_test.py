# SPDX-License-Identifier: MIT
"""How much of a program lies in huge pages, in each mode of the kernel.

Usage: huge_pages_test.py PART LIBRARY GUEST

Where the kernel's mode has to be another one, root sets it for as long as the part runs.
"""
import fcntl
import os
import pathlib
import signal
import subprocess
import sys

SKIPPED = 77
MODE = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
POOL = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
LARGE, SMALL = ("600", "64"), ("100", "8")

library, guest = (os.path.abspath(path) for path in sys.argv[2:])


def skip(reason):
    """Ends the test as skipped."""
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


class Mode:
    """The kernel's mode while the body runs; it is as it was afterwards."""

    def __init__(self, wanted):
        self.wanted, self.before = wanted, None

    def __enter__(self):
        try:
            before = MODE.read_text().split("[")[1].split("]")[0]
            if before != self.wanted:
                MODE.write_text(self.wanted)
                self.before = before
        except (OSError, IndexError) as error:
            skip(f"the kernel's huge pages cannot be set to {self.wanted} ({error})")

    def __exit__(self, *_):
        if self.before:
            MODE.write_text(self.before)


def run(size, percent=0, conf=""):
    """Runs the guest; returns what it has in MiB, in all and in huge pages, and its stderr."""
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    result = subprocess.run([guest, *size, str(percent)], env=environment, capture_output=True,
                            text=True, timeout=200, check=False)
    facts = dict(line.partition("=")[::2] for line in result.stdout.splitlines())
    if result.returncode or facts.get("done") != "1":
        sys.exit(f"failed: with {conf!r} it ended with {result.returncode}:"
                 f" {result.stdout}{result.stderr}")
    print(f"{size} with {conf!r}: {facts}")
    return int(facts["resident"]), int(facts["huge"]), result.stderr


def expect(holds, what):
    """Fails unless it holds."""
    if not holds:
        sys.exit(f"failed: {what}")


def large():
    """A large heap lies in huge pages, what was there before the threshold too."""
    with Mode("madvise"):
        resident, huge, errors = run(LARGE, 80)
        if huge == 0 and run(("16", "16"), 0, "huge_pages_above:1")[1] == 0:
            skip("the kernel gives no huge pages here")
        expect(resident > 650, f"{resident} MiB are not what was built")
        expect(huge * 100 >= resident * 80, f"only {huge} of {resident} MiB are huge pages")
        expect(not errors, f"something on stderr: {errors}")


def small():
    """A small heap has none, even where the kernel gives them to all."""
    for mode in ("always", "madvise"):
        with Mode(mode):
            expect(run(SMALL)[1] == 0, f"huge pages in a small program under {mode}")


def forbidden():
    """None at all where the kernel or an option says so."""
    with Mode("never"):
        expect(run(LARGE)[1] == 0, "huge pages under never")
    with Mode("madvise"):
        expect(run(LARGE, 0, "huge_pages_above:0")[1] == 0, "huge pages with huge_pages_above:0")


def empty_pool():
    """The kernel's empty pool is named once, and plain pages serve."""
    try:
        with open(POOL / "free_hugepages", encoding="ascii") as free:
            fcntl.flock(free, fcntl.LOCK_EX)
            surplus = (POOL / "nr_overcommit_hugepages").read_text()
            if int(free.read()) or int(surplus):
                skip("the kernel's pool has free huge pages")
            errors = run(SMALL, 0, "hugetlb:2m")[2]
    except OSError as error:
        skip(f"the kernel has no pool of huge pages ({error})")
    expect(errors.startswith("lunalloc: hugetlb:2m: ") and errors.count("\n") == 1,
           f"not one message that names the option: {errors!r}")


def main():
    # Whoever ends the test leaves the kernel's mode as it was.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    parts = (large, small, forbidden, empty_pool)
    {function.__name__: function for function in parts}[sys.argv[1]]()


if __name__ == "__main__":
    main()
