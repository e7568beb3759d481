# SPDX-License-Identifier: MIT
"""Fails if the library's thread-local storage is 1 KiB or more.

Usage: static_tls_test.py LIBRARY

It is of the initial-exec kind, which a process has little of for libraries that it loads late,
and which is cut from the stack of every thread.
"""
import struct
import sys

PT_TLS = 7
LIMIT = 1024


def thread_local_bytes(image):
    if image[:4] != b"\x7fELF" or image[4] != 2 or image[5] != 1:
        sys.exit("not a 64-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<Q", image, 32)
    entry_size, count = struct.unpack_from("<HH", image, 54)
    for index in range(count):
        at = offset + index * entry_size
        (kind,) = struct.unpack_from("<I", image, at)
        if kind == PT_TLS:
            (memory_bytes,) = struct.unpack_from("<Q", image, at + 40)
            return memory_bytes
    return 0


def main():
    with open(sys.argv[1], "rb") as library:
        size = thread_local_bytes(library.read())
    print(f"{size} bytes of thread-local storage")
    if size >= LIMIT:
        sys.exit(f"failed: {size} is not below {LIMIT}")


if __name__ == "__main__":
    main()
