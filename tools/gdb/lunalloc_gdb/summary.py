# SPDX-License-Identifier: MIT
"""The heap as a whole: where its memory is, and its largest blocks."""
from lunalloc_gdb.heap import CLASSES, GRANULE, GRANULE_RUN, PAGE, REGION, SPAN_TAIL
from lunalloc_gdb.memory import bits, size_text, thread_text


class PageSums:
    """What the pages of a heap are, in bytes."""

    def __init__(self):
        self.reserved = self.committed = self.used = self.dirty = self.slabs = self.listed = 0
        self.metadata = self.purged = self.kept = 0
        self.large = []  # (bytes, begin, kind), live


class ClassSums:
    """The blocks of a size class."""

    def __init__(self):
        self.slabs = self.used = self.free = self.uncut = self.elsewhere = self.listed = 0

    @property
    def live(self):
        """In use by the program, and in no list."""
        return self.used - self.elsewhere - self.listed


def count_pages(heap, allocator):
    """The sums of a heap's regions, arenas and huge blocks."""
    sums = PageSums()
    sums.purged = PAGE * allocator.number("pages_.purged_pages_")
    for head in heap.huge_blocks(allocator):
        size = head.number("span_pages") * PAGE
        sums.large.append((size, head.number("memory"), "huge block"))
        sums.reserved += size
        sums.committed += size
        sums.used += size
    for arena in heap.arenas(allocator):
        sums.reserved += arena.number("regions") * REGION
        sums.metadata += arena.number("metadata_bytes")
        for region in heap.regions(arena):
            free = bits(region.bytes("free"))
            sums.committed += REGION
            sums.used += REGION - free.bit_count() * PAGE
            sums.dirty += (free & bits(region.bytes("touched"))).bit_count() * PAGE
            count_large(heap, region, sums)
    return sums


def count_large(heap, region, sums):
    """The runs and spans of a region. What waits to be handed out again is no live block."""
    memory, state = region.number("memory"), heap.state_of(region)
    found = []
    if state == "SpanHead":
        found = [(region.number("span_pages") * PAGE, memory, "span of pages")]
    elif state == "Shared":
        for page, pages, marks in heap.run_blocks(region):
            if marks & GRANULE_RUN:
                sums.slabs += pages * PAGE
            elif not marks & SPAN_TAIL:
                found.append((pages * PAGE, memory + page * PAGE, "run of pages"))
    for block in found:
        if block[1] in heap.freed_blocks():
            sums.listed += block[0]
        elif heap.is_kept(block[1]):
            sums.kept += block[0]
        else:
            sums.large.append(block)


def count_classes(heap):
    """For each size class the blocks of all heaps, as luna_stats_classes() counts them."""
    sums = [ClassSums() for _ in range(CLASSES)]
    for _, allocator in heap.allocators:
        for arena in heap.arenas(allocator):
            for region in heap.regions(arena):
                for slab, begin in slabs_of(heap, region):
                    count_slab(heap, sums, slab, begin)
    for address in heap.freed_blocks():
        slab = heap.slab_at(address)
        if slab is not None:
            sums[slab.number("size_class")].listed += 1
    return sums


def slabs_of(heap, region):
    if heap.state_of(region) != "Shared":
        return
    for page, _, marks in heap.run_blocks(region):
        begin = region.number("memory") + page * PAGE
        if marks & GRANULE_RUN and (slab := heap.slab_at(begin)) is not None:
            yield slab, begin


def count_slab(heap, sums, slab, begin):
    row = sums[slab.number("size_class")]
    capacity = heap.infos[slab.number("size_class")][1]
    carved = min(slab.number("carved"), capacity)
    used = min(slab.number("own.room") + slab.number("own.beyond"), carved)
    row.slabs += 1
    row.used += used
    row.free += carved - used
    row.uncut += capacity - carved
    row.elsewhere += heap.freed_elsewhere(begin).bit_count()


def write_pages(name, sums):
    print(f"heap {name!r}" if name else "heap")
    for size, what in (
            (sums.reserved, "of address space"), (sums.committed, "of it may be read and written"),
            (sums.slabs, "in slabs"),
            (sum(block[0] for block in sums.large), f"in {len(sums.large)} large blocks"),
            (sums.listed, "in large blocks in lists of threads"),
            (sums.kept, "in large blocks freed last, kept for the next"),
            (sums.dirty, "dirty: free, not yet given back"),
            (sums.purged, "were given back, since the start"), (sums.metadata, "of tables")):
        print(f"{size_text(size):>12}  {what}")


def write_classes(heap):
    print("\nblocks of   slabs        live  in lists        free       uncut")
    live = 0
    for (size, _), row in zip(heap.infos, count_classes(heap)):
        live += row.live * size
        if row.slabs:
            print(f"{size:>9} {row.slabs:>7} {row.live:>11} {row.listed + row.elsewhere:>9} "
                  f"{row.free:>11} {row.uncut:>11}")
    print(f"{size_text(live):>12}  in live blocks of slabs")


def write_summary(heap):
    """For people: regions and large blocks of each heap, size classes, threads."""
    for name, allocator in heap.allocators:
        write_pages(name, count_pages(heap, allocator))
    write_classes(heap)
    threads = [record.number("thread_") for _, record in heap.thread_heaps()]
    alive = [thread_text(number) for number in threads if 0 < number < 1 << 63]
    print(f"\n{len(threads)} thread heaps, of which {len(alive)} are in use"
          + (": " if alive else "") + ", ".join(alive[:16]) + (", ..." if len(alive) > 16 else ""))


def largest(heap, count):
    """The largest live blocks above 16 KiB: (bytes, begin, kind, heap)."""
    found = []
    for name, allocator in heap.allocators:
        found += [(*block, name) for block in count_pages(heap, allocator).large]
    return sorted(found, key=lambda block: (-block[0], block[1]))[:count]
