# SPDX-License-Identifier: MIT
"""Reads a black box as docs/blackbox.md tells its format, independent of the tool."""
import pathlib
import re
import struct
import zlib

STATISTICS, EVENTS, SITES = 1, 2, 3
UNKNOWN = (1 << 64) - 1
HEADER = struct.Struct("<8sII QQQQQ II")
RING = struct.Struct("<IIQQ")
RECORD = struct.Struct("<IIQQQII")
EVENT = struct.Struct("<IIQQQ28sI")
SITES_HEAD = struct.Struct("<IIQQQQ")
SITE = struct.Struct("<QQQQII")
MODULE = struct.Struct("<QQQII")
HEADER_CHECKSUM_AT = 508


def field_names(root):
    """The names of the numbers of a record of statistics, from the public header."""
    text = pathlib.Path(root, "include/lunalloc/blackbox.h").read_text()
    return re.findall(r"^\s*FIELD\((\w+)\)", text, re.M)


def text_of(data):
    """A text that ends with a zero byte."""
    return data.split(b"\0")[0].decode()


class Record:
    """A record whose checksum is right."""

    def __init__(self, sequence, epoch_ns, monotonic_ns, payload):
        self.sequence, self.epoch_ns, self.monotonic_ns = sequence, epoch_ns, monotonic_ns
        self.payload = payload


class BlackBox:
    """Its header, the records of each ring by sequence, and how many slots are torn."""

    def __init__(self, path, root):
        data = pathlib.Path(path).read_bytes()
        (magic, self.version, self.header_bytes, self.file_bytes, self.process, self.began_epoch_ns,
         self.began_ns, self.page_bytes, rings, _) = HEADER.unpack_from(data)
        assert magic == b"LUNABBOX" and self.version == 1, "no header"
        assert len(data) == self.file_bytes, f"{len(data)} bytes, not {self.file_bytes}"
        checksum = struct.unpack_from("<I", data, HEADER_CHECKSUM_AT)[0]
        assert zlib.crc32(data[:HEADER_CHECKSUM_AT]) == checksum, "checksum of the header"
        at = HEADER.size + rings * RING.size
        self.boot_id, self.host = text_of(data[at:at + 40]), text_of(data[at + 40:at + 112])
        self.lunalloc_version, self.program = text_of(data[at + 112:at + 144]), text_of(data[at + 144:508])
        self.torn, self.rings, self.slots = {}, {}, {}
        for number in range(rings):
            self.read_ring(data, RING.unpack_from(data, HEADER.size + number * RING.size))
        self.names = field_names(root)

    def read_ring(self, data, ring):
        """Takes the records of a ring that are whole."""
        kind, slot_bytes, offset, slots = ring
        self.rings[kind], self.torn[kind], self.slots[kind] = [], 0, slots
        for slot in range(slots):
            at = offset + slot * slot_bytes
            if not any(data[at:at + RECORD.size]):
                continue
            magic, of, sequence, epoch_ns, monotonic_ns, length, checksum = RECORD.unpack_from(data, at)
            start = at + RECORD.size
            payload = data[start:start + length]
            whole = (magic == 0x4352424C and of == kind and length <= slot_bytes - RECORD.size
                     and (sequence - 1) % slots == slot
                     and zlib.crc32(payload, zlib.crc32(data[at:start - 4])) == checksum)
            if whole:
                self.rings[kind].append(Record(sequence, epoch_ns, monotonic_ns, payload))
            else:
                self.torn[kind] += 1
        self.rings[kind].sort(key=lambda record: record.sequence)

    def statistics(self):
        """Each record of statistics by names."""
        return [dict(zip(self.names, struct.unpack_from(f"<{len(self.names)}Q", record.payload),
                         strict=True)) for record in self.rings[STATISTICS]]

    def events(self):
        """Kind, level, source and text of each event."""
        found = []
        for record in self.rings[EVENTS]:
            kind, level, _, _, _, source, length = EVENT.unpack_from(record.payload)
            text = record.payload[EVENT.size:EVENT.size + length].decode()
            found.append((kind, level, text_of(source), text))
        return found

    def sites(self, record):
        """The sites of a record, each with its frames, and the modules, each with its path."""
        data, at = record.payload, SITES_HEAD.size
        sites, modules, *_ = SITES_HEAD.unpack_from(data)
        found, known = [], []
        for _ in range(sites):
            *amounts, frames, all_frames = SITE.unpack_from(data, at)
            at += SITE.size
            found.append((amounts, struct.unpack_from(f"<{frames}Q", data, at), all_frames))
            at += 8 * frames
        for _ in range(modules):
            begin, end, bias, path_bytes, id_bytes = MODULE.unpack_from(data, at)
            at += MODULE.size
            known.append((begin, end, bias, data[at:at + path_bytes].decode(),
                          data[at + path_bytes:at + path_bytes + id_bytes].decode()))
            at += (path_bytes + id_bytes + 7) // 8 * 8
        assert at == len(data), f"{len(data) - at} bytes behind the last module"
        return found, known
