# SPDX-License-Identifier: MIT
"""lunalloc in the process that gdb looks at: its window, heaps, regions, slabs and lists.

The names and numbers are those of src/pages and src/heap.
"""
import struct

import gdb

from lunalloc_gdb.memory import Layout, Record, bits, pointer_at, read, thread_text

PAGE = 4096
GRANULE = 32 * 1024
REGION = 2 << 20
PAGES_OF_REGION = REGION // PAGE
CLASSES = 64
RUN_LENGTH, GRANULE_RUN, SPAN_TAIL = 0x3FF, 0x800, 0x1000
MOST_LISTED = 1 << 17  # of a list: what is longer leads in circles


class Heap:
    """All of lunalloc in the process that gdb looks at."""

    def __init__(self):
        symbol = gdb.lookup_global_symbol("luna::process")
        if symbol is None:
            raise gdb.GdbError(
                "there is no debug information of lunalloc here. If `info sharedlibrary` lists "
                "liblunalloc.so, install what belongs to it (liblunalloc1-dbgsym, or set debuginfod "
                "enabled on), or run a library that was built with -Dbuildtype=debugoptimized")
        self.process = int(symbol.value().address)
        place = Layout.of("luna::Process").place
        self.profiler = self.process + place("profiler_")[0]
        first = Record("luna::Allocator", self.process + place("allocator_")[0])
        self.window = Record("luna::Window", first.number("window_"))
        self.base = self.window.number("base_")
        self.end = self.base + 16 * self.window.number("units_in_use_")
        self.infos = self.read_classes()
        self.allocators = [("", first)] + self.named(first)
        self.free = None

    @staticmethod
    def read_classes():
        """Bytes of a block and blocks of a slab, for each size class."""
        infos = gdb.lookup_static_symbol("luna::kSizeClassInfos") or gdb.lookup_global_symbol(
            "luna::kSizeClassInfos")
        rows = infos.value()["_M_elems"]
        return [(int(rows[i]["block_bytes"]), int(rows[i]["capacity"])) for i in range(CLASSES)]

    @staticmethod
    def named(first):
        """The heaps that the program made: name and allocator."""
        found = []
        heaps = first.number("named_")
        at = Record("luna::NamedHeaps", heaps).number("heaps_") if heaps else 0
        while at:
            heap = Record("luna::NamedHeap", at)
            name = heap.bytes("name_").split(b"\0")[0].decode(errors="replace")
            found.append((name, Record("luna::Allocator", heap.at("allocator_"))))
            at = heap.number("next")
        return found

    def thread_heaps(self):
        """Those of all threads, of all heaps, and of samples."""
        for name, allocator in self.allocators:
            at = allocator.number("heaps_.heaps_")
            while at:
                heap = Record("luna::ThreadHeap", at)
                yield name, heap
                at = heap.number("next_heap")
            if allocator.number("samples_.heap_"):
                yield name, Record("luna::ThreadHeap", allocator.number("samples_.heap_"))

    def slab_of(self, address):
        slot = self.window.number("slots_") + (address - self.base) // GRANULE * 64
        return Record("luna::Slab", slot)

    def slab_at(self, address):
        """The slab that a block in use or in a list lies in, or nothing where it is a larger one."""
        slab = self.slab_of(address)
        is_one = slab.number("owner") and slab.number("size_class") < CLASSES
        return slab if is_one else None

    def region_of(self, address):
        """The metadata of where an address lies, or nothing."""
        index = (address - self.base) // REGION
        at = pointer_at(self.window.number("regions_") + 8 * index)
        return Record("luna::Region", at, before="annexes") if at else None

    def huge_blocks(self, allocator):
        at = allocator.number("pages_.used_huge_.first_")
        while at:
            region = Record("luna::Region", at, before="annexes")
            yield region
            at = region.number("next")

    def arenas(self, allocator):
        at = allocator.number("pages_.arenas_")
        while at:
            arena = Record("luna::Arena", at)
            yield arena
            at = arena.number("next")

    def regions(self, arena):
        """Of an arena, those that may be read and written."""
        committed, size = bits(arena.bytes("committed")), Layout.of("luna::Region").size
        for i in range(arena.number("regions")):
            if committed >> i & 1:
                at = arena.address + arena.layout.size + i * size
                yield Record("luna::Region", at, before="annexes")

    def name_of(self, region):
        """The heap that a region is of."""
        for name, allocator in self.allocators:
            if region.number("pages") == allocator.at("pages_"):
                return name
        return ""

    def freed_blocks(self):
        """What threads hold in their lists: address of a block, number of the thread and list."""
        if self.free is None:
            self.free = {}
            for _, heap in self.thread_heaps():
                self.note_lists(heap)
                self.note_frees_for_others(heap)
        return self.free

    def note_lists(self, heap):
        size = Layout.of("luna::FreeList").size
        lists = heap.bytes("lists")
        thread = heap.number("thread_")
        for place in range(len(lists) // size):
            block = int.from_bytes(lists[place * size:place * size + 8], "little")
            for block in self.chain(block):
                self.free[block] = f"free, in the list of {thread_text(thread)}"

    def note_frees_for_others(self, heap):
        entries, size = heap.bytes("remote_.entries_"), Layout.of("luna::RemoteCache::Entry").size
        for begin in range(0, len(entries), size):
            slab, word, mask = struct.unpack_from("<QQQ", entries, begin)
            memory = self.base + (slab - self.window.number("slots_")) // 64 * GRANULE
            while mask:
                bit = mask & -mask
                mask ^= bit
                number = word * 64 + bit.bit_length() - 1
                block = memory + number * self.infos[Record("luna::Slab", slab).number("size_class")][0]
                self.free[block] = ("freed by " + thread_text(heap.number("thread_")) +
                                    ", not yet handed to its owner")

    def chain(self, block):
        """Free blocks that one leads to."""
        for _ in range(MOST_LISTED):
            if not self.base <= block < self.end:
                return
            yield block
            try:
                block = pointer_at(block)
            except gdb.MemoryError:
                return

    def freed_elsewhere(self, address):
        """One bit for each block that other threads freed, which its owner has yet to take in."""
        at = pointer_at(self.window.number("regions_") + 8 * ((address - self.base) // REGION))
        annexes = Layout.of("luna::Region").place("annexes")[0]
        area = Layout.of("luna::RemoteArea")
        begin = at + annexes + (address - self.base) % REGION // GRANULE * area.size
        offset, size = area.place("freed")
        return bits(read(begin + offset, size))

    def state_of(self, region):
        """By the name that src/pages/region.hpp has for it."""
        fields = gdb.lookup_type("luna::RegionState").fields()
        number = region.number("state")
        return next(field.name.rpartition("::k")[2] for field in fields if field.enumval == number)

    def run_blocks(self, region):
        """Of a shared region: first page, pages and marks of each run in use."""
        runs = struct.unpack(f"<{PAGES_OF_REGION}H", region.bytes("run"))
        return [(page, run & RUN_LENGTH, run & ~RUN_LENGTH) for page, run in enumerate(runs)
                if run & RUN_LENGTH]

    def is_kept(self, address):
        """Whether a large block waits in the page heap to be handed out again."""
        for _, allocator in self.allocators:
            words = allocator.bytes("pages_.recent_")
            for word, in struct.iter_unpack("<Q", words):
                if word and word & (1 << 48) - 1 == address:
                    return True
        return False

    def sample_at(self, address):
        """(bytes that were asked for, weight, frames) of a block that the profiler knows."""
        size = Layout.of("luna::LiveSample").size
        live = Record("luna::Profiler", self.profiler)
        places = live.number("live_.places_")
        if not places:
            return None
        table = read(places, (live.number("live_.mask_") + 1) * size)
        offset = Layout.of("luna::LiveSample").place
        for begin in range(0, len(table), size):
            if int.from_bytes(table[begin:begin + 8], "little") != address:
                continue
            number = int.from_bytes(table[begin + offset("site")[0]:][:4], "little")
            asked = int.from_bytes(table[begin + offset("bytes")[0]:][:8], "little")
            site = Record("luna::Site", live.number("sites_.sites_") +
                          number * Layout.of("luna::Site").size)
            depth = min(site.number("stack.depth"), 1024)
            frames = read(site.number("stack.frames"), 8 * depth)
            return asked, [frame for frame, in struct.iter_unpack("<Q", frames)]
        return None
