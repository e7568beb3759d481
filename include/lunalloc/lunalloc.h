// SPDX-License-Identifier: MIT
// lunalloc.h - what a program may ask of the allocator it is running on.
//
// A program need not include this header: preloading liblunalloc.so is enough
// to replace malloc. Include it to allocate from lunalloc by name, to read
// statistics, or to give memory back.
//
// Every function may be called from any thread and at any time, also before
// main() and in the child of a fork. None but the allocating ones allocates.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Version of the library that is loaded, such as "0.1.0".
const char* luna_version(void);

// ---- Twins of the malloc family ------------------------------------------------
//
// Each behaves as the function of the C library of its name (errno included) and
// takes and gives blocks of lunalloc, whether or not malloc itself is replaced.

void* luna_malloc(size_t bytes);
void luna_free(void* pointer);
void* luna_calloc(size_t count, size_t bytes);
void* luna_realloc(void* pointer, size_t bytes);
void* luna_reallocarray(void* pointer, size_t count, size_t bytes);
void* luna_memalign(size_t alignment, size_t bytes);
void* luna_aligned_alloc(size_t alignment, size_t bytes);
int luna_posix_memalign(void** pointer, size_t alignment, size_t bytes);
size_t luna_malloc_usable_size(const void* pointer);

// As C23's free_sized and free_aligned_sized: `bytes` is what was asked for. A wrong size is told
// for blocks above 16 KiB and for samples, where it is seen: docs/debugging.md.
void luna_free_sized(void* pointer, size_t bytes);
void luna_free_aligned_sized(void* pointer, size_t alignment, size_t bytes);

// For secrets: writes zeros over all bytes that the block has room for, which no compiler leaves
// out, and frees it. As luna_free() else; NULL is welcome. Copies that an earlier luna_realloc()
// left where the block lay before are not wiped.
void luna_free_wiped(void* pointer);

// ---- Statistics ------------------------------------------------------------------

// A snapshot of the process, in bytes unless said otherwise. The counters are
// read one after another while other threads run, so sums may be off by what
// happened in between.
typedef struct luna_stats {
  size_t struct_size;        // in: sizeof(luna_stats), so that fields can be added
  uint64_t live_bytes;       // blocks in use, rounded up to their size class; blocks that
                             // threads hold ready to hand out count too
  uint64_t live_blocks;      // their number
  uint64_t large_bytes;      // of live_bytes: blocks of whole pages
  uint64_t large_blocks;     // their number
  uint64_t slab_free_bytes;  // of slabs: free, or not yet handed out
  uint64_t dirty_bytes;      // free pages that the kernel may still back
  uint64_t committed_bytes;  // readable and writable, backed or not
  uint64_t reserved_bytes;   // address space
  uint64_t metadata_bytes;   // address space of lunalloc's own tables
  uint64_t thread_heaps;     // heaps, in use or waiting for a thread
  // From here on since a profile of the heap can be taken; struct_size may also be that of the
  // fields above alone. All are 0 if none was ever begun.
  uint64_t profiler_bytes;            // of the profiler's tables, backed by the kernel
  uint64_t profiler_reserved_bytes;   // of them, address space
  uint64_t profiler_live_samples;     // blocks in use that it watches
  uint64_t profiler_dropped_samples;  // samples that found no room in the tables
} luna_stats;

// Fills `*stats` and returns 0. EINVAL: struct_size is unknown to this version; EBUSY: a signal
// handler calls that has interrupted the allocator. Nothing is written then.
int luna_stats_read(luna_stats* stats);

// Writes a summary in words to the file descriptor. Returns 0, EBUSY as above, or a positive
// errno value of write(2).
int luna_stats_print(int file);

// Gives free memory back to the kernel, but for `keep_bytes` of free pages, and
// returns the number of bytes given back. Memory that other running threads
// hold ready is left to them. Slow: system calls.
size_t luna_purge(size_t keep_bytes);

#ifdef __cplusplus
}
#endif
