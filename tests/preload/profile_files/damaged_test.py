# SPDX-License-Identifier: MIT
"""What `luna` makes of files that were cut short or have wrong bits, or say more than there is.

Usage: damaged_test.py PART LIBRARY LUNA GUEST SOURCE
"""
import gzip
import json
import os
import pathlib
import random
import resource
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from support import expect, guest, library, luna

KIB = 1024
FLIPPED = 300  # of each format
MOST_MEMORY = 1 << 30
SECONDS = 60


def make_file(folder, kind):
    """A file of a guest, by the verb that reads it: (verb, bytes)."""
    conf = "profile:true,profile_interval:1"
    arguments = []
    verb, name = "profile", f"{folder}/file"
    if kind == "leaks":
        verb = "leaks"
        arguments = [name]
    elif kind == "blackbox":
        verb = "blackbox"
        conf += f",blackbox:{name},blackbox_kib:128"
    else:
        form = "json" if kind == "json" else "pprof"
        conf += f",profile_at_exit:true,profile_format:{form},profile_file:{name}"
        name += {"json": ".json", "pprof": ".pb.gz"}[form]
    # Names of the libraries take time, and are not what is tested.
    environment = dict(os.environ, LD_PRELOAD=library, LUNALLOC_CONF=conf)
    subprocess.run([guest, *arguments], env=environment, timeout=200, check=True)
    data = pathlib.Path(name).read_bytes()
    return verb, gzip.decompress(data) if kind == "plain" else data


def limit():
    """Before luna: it has so much memory and time, and leaves no core."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def read(verb, path, form, statuses=(0, 3, 4, 5)):
    """It ends well, and says in a line what is wrong; returns its status, output and messages."""
    environment = {key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"}
    result = subprocess.run([luna, verb, "--format", form, path], capture_output=True,
                            timeout=200, check=False, preexec_fn=limit, env=environment)
    lines = result.stderr.decode().splitlines()
    what = f"{verb} {path}: {result.returncode}, {lines[:5]}"
    expect(result.returncode in statuses, what)
    expect(all(line.startswith("luna: ") and line.isprintable() for line in lines), what)
    about = [line for line in lines if line.startswith(f"luna: {path}: ")]
    expect(len(about) == (result.returncode != 0), what)
    expect(not result.stdout or result.returncode in (0, 5), what)
    if result.returncode in (0, 5) and form == "json":
        json.loads(result.stdout)
    return result.returncode, result.stdout, lines


def variants(data, seed):
    """The data cut at each KiB, and with some bits flipped: pairs of a name and bytes."""
    for end in range(0, len(data), KIB):
        yield f"cut at {end}", data[:end]
    chance = random.Random(seed)
    for number in range(FLIPPED):
        flipped = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        yield f"flipped {number}", bytes(flipped)


def damaged(folder, kind):
    """Of each variant as much is told as there is; the whole file has no fault."""
    verb, data = make_file(folder, kind)
    path = pathlib.Path(folder, "variant")
    path.write_bytes(data)
    expect(read(verb, path, "text")[0] == 0, "the whole file")
    seen = set()
    for number, (name, variant) in enumerate(variants(data, seed=kind)):
        path.write_bytes(variant)
        status, _, _ = read(verb, path, ("text", "json")[number % 2])
        expect(status != 0 or "cut" not in name, f"{kind}, {name}: no word of it")
        seen.add(status)
    expect(len(seen) > 1, f"{kind}: always {seen}")


def box_with(header, **changes):
    """A header of a black box, changed and with its checksum."""
    bytes_at = {"file_bytes": 16}
    ring_at = {"slot_bytes": 4, "offset": 8, "slots": 16}
    changed = bytearray(header)
    for name, value in changes.items():
        if name in bytes_at:
            struct.pack_into("<Q", changed, bytes_at[name], value)
        for ring in range(3 if name in ring_at else 0):
            struct.pack_into("<I" if name == "slot_bytes" else "<Q", changed,
                             64 + 24 * ring + ring_at[name], value)
    struct.pack_into("<I", changed, 508, zlib.crc32(changed[:508]))
    return bytes(changed)


def huge(folder):
    """Files that are large, or say so, and have little in them take no more memory than that."""
    _, box = make_file(folder, "blackbox")
    path = pathlib.Path(folder, "huge")
    for verb, start, size in (
            ("blackbox", b"", 4 << 30),
            ("blackbox", box, 4 << 30),
            ("blackbox", box_with(box[:512], file_bytes=1 << 30) + box[512:], 4 << 30),
            ("blackbox", box_with(box[:512], file_bytes=1 << 30, slots=1 << 60), 4 << 30),
            ("blackbox", box_with(box[:512], file_bytes=1 << 30, slot_bytes=0xffffffff), 4 << 30),
            ("blackbox", box_with(box[:512], file_bytes=1 << 30, slot_bytes=40, slots=1 << 40,
                                  offset=0), 4 << 30),
            ("profile", b"", 4 << 30),
            ("profile", b"{", 4 << 30),
            ("profile", b"\n", 4 << 30),
            ("profile", gzip.compress(b"\n" + bytes(64 << 20)), 4 << 30),
            ("leaks", b"{", 4 << 30)):
        with open(path, "wb") as file:
            file.write(start)
            file.truncate(size)
        read(verb, path, "json")
    status, text, _ = read("blackbox", path, "json", statuses=(3,))  # the last one: no box
    for end in (len(box), 1 << 30):
        path.write_bytes(box_with(box[:512], file_bytes=1 << 30) + box[512:])
        os.truncate(path, end)
        status, text, _ = read("blackbox", path, "json")
        expect(status == (5 if end < 1 << 30 else 0), f"{end}: {status}")
        expect(json.loads(text)["events"], "the event of the exit")


def dense(folder):
    """Files that have many rows of few bytes each, or lie deep, take bounded memory and time."""
    head = b'{"format":"lunalloc-heap-profile","version":1,'
    leaks = b'{"format":"lunalloc-leak-report","version":1,'
    count = 6_000_000
    path = pathlib.Path(folder, "dense")
    for verb, data in (
            ("profile", head + b'"sites":[' + b"{}," * count + b"{}]}"),
            ("profile", head + b'"code":[' + b"{}," * count + b"{}]}"),
            ("profile", head + b'"sites":[{"frames":' + b"[" * 10_000_000),
            ("profile", b"\n\x04\x08\x01\x10\x02" + b"\x1a\x00" * count),
            ("leaks", leaks + b'"sites":[' + b"{}," * (count // 4) + b"{}]}"),
            ("leaks", leaks + b'"sites":[{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}]}"),
            ("leaks", leaks + b'"sites":[{"frames":' + b'{"a":' * 1_000_000)):
        path.write_bytes(data)
        read(verb, path, "json")


PARTS = {part.__name__: part for part in (huge, dense)}
with tempfile.TemporaryDirectory() as scratch:
    if sys.argv[1] in PARTS:
        PARTS[sys.argv[1]](scratch)
    else:
        damaged(scratch, sys.argv[1])
