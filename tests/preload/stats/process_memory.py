# SPDX-License-Identifier: MIT
"""What the kernel says of the memory of another process."""
import mmap
import pathlib
import re
import struct

PRESENT, SWAPPED = 1 << 63, 1 << 62


def resident_pages(pid, ranges):
    """Bytes of pages in memory within the ranges, by /proc/PID/pagemap."""
    total = 0
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as file:
        for begin, end in ranges:
            file.seek(begin // mmap.PAGESIZE * 8)
            data = file.read((end - begin) // mmap.PAGESIZE * 8)
            total += sum(1 for (word,) in struct.iter_unpack("<Q", data) if word & PRESENT)
    return total * mmap.PAGESIZE


def rollup(pid):
    """Rss of all mappings."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Rss:\s+(\d+) kB", text, re.M)[1]) * 1024
