# SPDX-License-Identifier: MIT
"""Blocks that are no blocks of malloc's: those of pools, which lie in large blocks, and guarded
samples, which lie outside of the window."""
import gdb

from lunalloc_gdb.memory import Layout, Record, read

BLOCKS_PER_WORD = 63


class PoolBlock:
    """A block of a pool: its begin, bytes, whether it lives, and words."""

    def __init__(self, pool, chunk, address):
        shape = pool.number("chunks_.shape_.block_bytes"), pool.number("chunks_.shape_.lead_bytes")
        name = pool.bytes("name_").split(b"\0")[0].decode(errors="replace")
        offset = address - chunk.number("memory") - shape[1]
        index = offset // shape[0]
        self.begin = self.bytes = 0
        self.lives = False
        self.words = f"which is a chunk of the pool {name!r}"
        if offset < 0 or index >= chunk.number("blocks"):
            self.words += ", where it has no blocks"
            return
        words = chunk.bytes("words")
        word = int.from_bytes(words[index // BLOCKS_PER_WORD * 8:][:8], "little")
        self.begin, self.bytes = address - offset % shape[0], shape[0]
        self.lives = bool(word >> index % BLOCKS_PER_WORD & 1)
        self.words += ": block " + ("live" if self.lives else "free")


def pool_block(begin, address):
    """The block of a pool whose chunk begins there, or nothing."""
    seldom = gdb.lookup_global_symbol("luna::seldom")
    at = Record("luna::Seldom", int(seldom.value().address)).number("pools.pools_.first_")
    while at:
        pool = Record("luna::Pool", at)
        for chunk in chunks_of(pool):
            if chunk.number("memory") == begin:
                return PoolBlock(pool, chunk, address)
        at = pool.number("next")
    return None


def chunks_of(pool):
    levels = pool.bytes("chunks_.levels_")
    for begin in range(0, len(levels), 8):
        at = int.from_bytes(levels[begin:begin + 8], "little")
        if at:
            level = Record("luna::PoolChunks::Level", at)
            for number in range(level.number("chunk_count")):
                yield Record("luna::PoolChunk", level.number("chunks") +
                             number * Layout.of("luna::PoolChunk").size)


def guarded(heap, address):
    """(begin, bytes, whether it lives, words) of a guarded sample, or nothing."""
    for _, allocator in heap.allocators:
        page = allocator.number("guarded_.page_bytes_")
        if not allocator.number("guarded_.base_") <= address < allocator.number("guarded_.end_"):
            continue
        layout = Layout.of("luna::GuardedBlock")
        table = read(allocator.number("guarded_.blocks_"),
                     allocator.number("guarded_.count_") * layout.size)

        def number(begin, name, layout=layout, table=table):
            offset, size = layout.place(name)
            return int.from_bytes(table[begin + offset:begin + offset + size], "little")

        for begin in range(0, len(table), layout.size):
            memory = number(begin, "memory")
            if memory and memory // page == address // page:
                states = gdb.lookup_type("luna::GuardState").fields()
                state = next(field.name.rpartition("::k")[2].lower() for field in states
                             if field.enumval == number(begin, "state"))
                return memory, number(begin, "bytes"), state == "live", f"is a guarded sample: {state}"
        return 0, 0, False, "is in a page without access beside guarded samples"
    return None
