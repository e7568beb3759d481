# SPDX-License-Identifier: MIT
"""What an address is: a block, a free page, or nothing of lunalloc's."""
import gdb

from lunalloc_gdb.heap import CLASSES, GRANULE, GRANULE_RUN, PAGE, SPAN_TAIL
from lunalloc_gdb.memory import Record, bits
from lunalloc_gdb.others import guarded, pool_block


class Block:
    """What an address is: words, and where it is a block its begin, bytes and whether it lives."""

    def __init__(self, heap, address):
        self.address = address
        self.begin = self.bytes = 0
        self.lives = False
        self.lines = []
        if not heap.base <= address < heap.end:
            sample = guarded(heap, address)
            if sample is not None:
                self.begin, self.bytes, self.lives, words = sample
                self.lines.append(words)
                return
            self.lines.append(f"is none of lunalloc's, whose heap is {heap.base:#x} to {heap.end:#x}")
            return
        region = heap.region_of(address)
        state = heap.state_of(region) if region else "Gone"
        name = heap.name_of(region) if region else ""
        if state == "Shared":
            self.explain_shared(heap, region, address)
        elif state in ("SpanHead", "SpanBody", "Huge"):
            head = region.number("span_head") if state == "SpanBody" else 0
            self.explain_large(heap, Record("luna::Region", head, before="annexes") if head
                               else region, "huge block" if state == "Huge" else "span of pages")
        else:
            self.lines.append({"Reserved": "is in a free region of an arena",
                               "FreedHuge": "is where a huge block was that was given back"}.get(
                                   state, "is in address space of the heap that nothing holds"))
        if name:
            self.lines.append(f"of the heap {name!r}")

    def explain_shared(self, heap, region, address):
        memory = region.number("memory")
        page = (address - memory) // PAGE
        if bits(region.bytes("free")) >> page & 1:
            touched = bits(region.bytes("touched")) >> page & 1
            return self.lines.append("is in a free page, " + (
                "which may still hold data" if touched else "which holds nothing"))
        runs = {first: (pages, marks) for first, pages, marks in heap.run_blocks(region)}
        first = next(first for first in range(page, -1, -1) if first in runs)
        pages, marks = runs[first]
        if marks & GRANULE_RUN:
            return self.explain_slab(heap, address)
        if marks & SPAN_TAIL:
            head = Record("luna::Region", region.number("span_head"), before="annexes")
            return self.explain_large(heap, head, "span of pages")
        return self.found(heap, memory + first * PAGE, pages * PAGE, "run of pages")

    def explain_large(self, heap, head, what):
        self.found(heap, head.number("memory"), head.number("span_pages") * PAGE, what)

    def found(self, heap, begin, size, what):
        self.begin, self.bytes = begin, size
        why = heap.freed_blocks().get(begin)
        if why is None and heap.is_kept(begin):
            why = "free, kept for the next request of that size"
        self.lives = why is None
        self.lines += [f"is in a {what}", why or "live"]
        pool = pool_block(begin, self.address) if self.lives else None
        if pool is not None:
            self.begin, self.bytes, self.lives = pool.begin, pool.bytes, pool.lives
            self.lines[-1] = pool.words

    def explain_slab(self, heap, address):
        slab, begin = heap.slab_of(address), address // GRANULE * GRANULE
        number = slab.number("size_class")
        if slab.number("owner") == 0 or number >= CLASSES:
            return self.lines.append("is in a granule that is kept for a slab, and has none")
        size, capacity = heap.infos[number]
        index = (address - begin) // size
        states = [field.name.rpartition("::k")[2].lower()
                  for field in gdb.lookup_type("luna::SlabState").fields()]
        used = slab.number("own.room") + slab.number("own.beyond")
        self.lines.append(f"is in a slab of class {number}, blocks of {size} bytes; the slab at "
                          f"{begin:#x} is {states[slab.number('state')]}, with {used} of {capacity} "
                          "in use or in lists")
        if index >= capacity:
            return self.lines.append("behind the last block")
        self.begin, self.bytes = begin + index * size, size
        why = self.why_free(heap, slab, index)
        self.lives = why is None
        self.lines.append(why or "live")
        return None

    def why_free(self, heap, slab, index):
        if index >= slab.number("fresh"):
            return "free, and was never handed out"
        if slab.number("purged_pages") >> (self.begin % GRANULE // PAGE) & 1:
            return "free, its page was given back"
        if self.begin in heap.chain(slab.number("own.first")):
            return "free, in the list of the slab"
        if heap.freed_elsewhere(self.begin) >> index & 1:
            return "freed by another thread, not yet taken in"
        return heap.freed_blocks().get(self.begin)
