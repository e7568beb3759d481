# SPDX-License-Identifier: MIT
"""In gdb: the figures of the commands, not rounded, as a line of JSON."""
import json

from lunalloc_gdb import summary
from lunalloc_gdb.heap import Heap

heap = Heap()
pages = [summary.count_pages(heap, allocator) for _, allocator in heap.allocators]
classes = summary.count_classes(heap)
sizes = [size for size, _ in heap.infos]
threads = [record.number("thread_") for _, record in heap.thread_heaps()]
large = [block for sums in pages for block in sums.large]
listed = sum(row.listed * size for row, size in zip(classes, sizes, strict=True))
print("figures " + json.dumps({
    "classes": [[size, row.slabs, row.used, row.free, row.uncut]
                for size, row in zip(sizes, classes, strict=True)],
    "small_blocks": sum(row.live + row.elsewhere for row in classes),
    "small_bytes": sum((row.live + row.elsewhere) * size
                       for row, size in zip(classes, sizes, strict=True)),
    "large_blocks": len(large),
    "large_bytes": sum(size for size, _, _ in large),
    "thread_cache_bytes": listed + sum(sums.listed for sums in pages),
    "kept_bytes": sum(sums.kept for sums in pages),
    "dirty_bytes": sum(sums.dirty for sums in pages),
    "committed_bytes": sum(sums.committed for sums in pages),
    "reserved_bytes": sum(sums.reserved for sums in pages),
    "purged_bytes": sum(sums.purged for sums in pages),
    "thread_heaps": len(threads),
    "attached_threads": sum(0 < number < 1 << 63 for number in threads)}))
