// SPDX-License-Identifier: MIT
// stats.h - where the memory of the process is: what lives, what is held ready, what is free,
// and which of it the kernel backs. docs/statistics.md says how the numbers add up.
//
// Every function may be called from any thread that may allocate. None allocates from the heap,
// none stops another thread; numbers are read one after another while others run. Until one
// is called, nothing is spent on them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A number that is not known, or was not asked for; null in JSON.
#define LUNA_STATS_UNKNOWN UINT64_MAX

typedef enum luna_stats_format {
  LUNA_STATS_TEXT,
  LUNA_STATS_JSON,
  LUNA_STATS_OPENMETRICS,
  LUNA_STATS_PROMETHEUS,  // the same in Prometheus's older text format
  LUNA_STATS_MALLOC_INFO  // the XML of malloc_info(3), which knows no detail
} luna_stats_format;

// What to look at beside the totals; to be added up.
#define LUNA_STATS_CLASSES 1u   // each size class
#define LUNA_STATS_THREADS 2u   // each thread heap
#define LUNA_STATS_RESIDENT 4u  // asks the kernel which pages it backs: slow in a large heap
#define LUNA_STATS_MAPPINGS 8u  // and reads /proc/self/smaps; RESIDENT is taken as said too
#define LUNA_STATS_HEAPS 16u    // each heap of heap.h; asks the kernel as RESIDENT does
#define LUNA_STATS_ALL 31u

// Bytes unless said otherwise. What is not asked for is LUNA_STATS_UNKNOWN.
typedef struct luna_stats_detail {
  size_t struct_size;  // in: sizeof(luna_stats_detail), so that fields can be added

  // What the books say. committed_bytes is the sum of live, thread_cache, spare_slab,
  // slab_free, slab_uncut, kept, dirty and retained bytes.
  uint64_t requested_bytes;    // that the program asked for; estimated from samples
  uint64_t class_slack_bytes;  // what live blocks have more than that, estimated likewise
  uint64_t live_bytes;         // blocks in use
  uint64_t live_blocks;        // their number
  uint64_t small_bytes;        // of live_bytes, in slabs
  uint64_t small_blocks;
  uint64_t large_bytes;  // of live_bytes, in blocks of whole pages
  uint64_t large_blocks;
  uint64_t thread_cache_bytes;  // free blocks in the lists of threads
  uint64_t thread_cache_blocks;
  uint64_t spare_slab_bytes;  // granules that threads keep for slabs to come
  uint64_t slab_free_bytes;   // free blocks in slabs
  uint64_t slab_uncut_bytes;  // of slabs, not yet cut into blocks, or too short for one
  uint64_t kept_bytes;        // large blocks freed last, kept whole
  uint64_t dirty_bytes;       // free pages that may be backed
  uint64_t retained_bytes;    // free pages that are not
  uint64_t committed_bytes;   // readable and writable
  uint64_t reserved_bytes;    // address space for blocks
  uint64_t metadata_bytes;    // address space of lunalloc's own tables
  uint64_t telemetry_bytes;   // address space of the tables of the profiler and of guarded samples
  uint64_t slab_bytes;        // of committed_bytes: slabs
  uint64_t slabs;             // their number
  uint64_t thread_heaps;      // heaps, in use or waiting for a thread
  uint64_t attached_threads;  // heaps that have a thread

  // Fragmentation.
  uint64_t largest_free_bytes;  // the longest range of free pages

  // Since the start of the process.
  uint64_t refills;          // lists of threads that were empty and got blocks
  uint64_t refilled_blocks;  // blocks that they got
  uint64_t purges;           // calls to give free pages back
  uint64_t purged_bytes;
  uint64_t minor_faults;  // of the whole process, as the kernel counts
  uint64_t major_faults;

  // Since the start, of all threads, if the option stats_hardware is set and the kernel permits.
  uint64_t cache_misses;  // of the processor's last cache
  uint64_t cache_references;
  uint64_t tlb_misses;  // of loads of data
  uint64_t tlb_loads;

  // LUNA_STATS_RESIDENT: of it, pages that the kernel backs.
  uint64_t resident_bytes;            // all of the following
  uint64_t resident_slab_bytes;       // pages of slabs
  uint64_t resident_spare_bytes;      // pages of granules that threads keep
  uint64_t resident_large_bytes;      // pages of large blocks
  uint64_t resident_kept_bytes;       // pages of large blocks kept whole
  uint64_t resident_dirty_bytes;      // free pages, as expected
  uint64_t resident_retained_bytes;   // free pages that should not be backed
  uint64_t resident_metadata_bytes;   // our own tables
  uint64_t resident_telemetry_bytes;  // tables of the profiler
  uint64_t resident_guarded_bytes;    // guarded samples and their records
  uint64_t accounted_bytes;           // what the books expect to be resident
  uint64_t sure_bytes;                // of it, what they know without asking the kernel

  // LUNA_STATS_MAPPINGS: what the kernel says of the process.
  uint64_t process_resident_bytes;  // all that it has in memory
  uint64_t not_ours_bytes;          // of it, other mappings than lunalloc's
  uint64_t huge_page_bytes;         // of lunalloc's, backed by huge pages
} luna_stats_detail;

// Fills `*detail`. Returns 0; EINVAL: struct_size is unknown to this version, or `what` is;
// ENOMEM: no memory to look with; EBUSY: a signal handler calls that has interrupted malloc.
int luna_stats_detail_read(luna_stats_detail* detail, unsigned what);

// A size class.
typedef struct luna_class_stats {
  uint64_t block_bytes;
  uint64_t slabs;
  uint64_t used_blocks;   // in use, or in the list of a thread
  uint64_t free_blocks;   // in slabs, to be handed out
  uint64_t uncut_blocks;  // that slabs still have room for
} luna_class_stats;

// A thread heap.
typedef struct luna_thread_stats {
  uint64_t thread;  // the kernel's number of its thread; UNKNOWN: it waits for one
  uint64_t slabs;
  uint64_t used_bytes;    // of blocks of its slabs in use, or in lists
  uint64_t cached_bytes;  // of blocks in its lists
  uint64_t cached_blocks;
  uint64_t refills;  // since the heap began
  uint64_t refilled_blocks;
} luna_thread_stats;

// Fill an array of `*count` elements of `element_size` bytes each, and set `*count` to how many
// there are, which may be more than fit. Return as luna_stats_detail_read().
int luna_stats_classes(luna_class_stats* classes, size_t element_size, size_t* count);
int luna_stats_threads(luna_thread_stats* threads, size_t element_size, size_t* count);

// Writes the statistics to the file descriptor. Returns as luna_stats_detail_read(), or an
// errno value of write(2).
int luna_stats_write(int file, luna_stats_format format, unsigned what);

// Writes to the file descriptor which pages of each region are used for what, as JSON; docs/map.md
// tells its keys. It goes out a few regions at a time, while no lock is held: some 1.7 KiB for each
// 2 MiB of small blocks, less for large ones. Returns 0; EBUSY and ENOMEM as above; or an errno
// value of write(2).
int luna_map_write(int file);

#ifdef __cplusplus
}
#endif
