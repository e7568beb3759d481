// SPDX-License-Identifier: MIT
// pool.h - pools: blocks of one size, with a bound on how many there may be that holds exactly.
//
// docs/pools.md has an example. Every function may be called from any thread; luna_pool_allocate()
// and luna_pool_free() also in a signal handler, whatever it interrupts. A pool and its blocks
// outlive the thread that made them. None changes errno, but for luna_pool_allocate() when memory
// is refused. In the child of a fork pools are what they were: a copy.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct luna_pool luna_pool;
struct luna_heap;

#define LUNA_POOL_NAME_BYTES 64  // with the zero at its end

typedef struct luna_pool_options {
  size_t struct_size;      // in: sizeof(luna_pool_options)
  uint64_t max_blocks;     // that may be in use at once, less than 2^32; 0: as many as that
  size_t alignment;        // of each block, a power of two from 8 to 2 MiB; 0: 16
  int auto_expand;         // 0: memory for `max_blocks` is taken at once, and no more later
  int reclaim_on_free;     // not 0: memory goes back as soon as it holds no block
  int reclaim_on_purge;    // not 0: it does when memory is wanted; implied by `reclaim_on_free`
  struct luna_heap* heap;  // that memory for blocks is taken from (lunalloc/heap.h); NULL: none
} luna_pool_options;

// Makes a pool of blocks of `block_bytes` each, and sets `*pool`. The name, for messages and
// statistics, is copied, and need not be the only one. Without options (NULL) the pool grows as
// it needs, and keeps what it has. Its memory comes in chunks of 256 KiB, or as large as one block
// and as eight alignments at least, or as small as `max_blocks` allow. A pool that does not expand
// has all of them from the start, and luna_pool_allocate() makes no system call; the kernel
// still backs pages when they are first written to.
// With `reclaim_on_purge` memory that holds no block is kept for the pool until luna_purge(),
// malloc_trim(), luna_heap_trim(), memory pressure, or a refusal: then it goes back, and is counted
// where those count.
// With a heap, chunks are blocks of it: they count for its limit, and those above it, and what it
// does of denials it does of theirs, with no lock held. Tables of the pool are not in the heap.
// When the heap is reset or destroyed the pool is gone with all its blocks, and must not be named
// again; but luna_pool_free() of one of its blocks, and luna_pool_destroy(), change nothing and
// return 0 for a second yet. Neither may another thread allocate from it while the heap ends.
// Returns 0; EINVAL: a name that is NULL or too long, no bytes or far too many, options that are
// out of range or of a size unknown to this version, what is no heap, no `max_blocks` for a pool
// that does not expand, or one of the reclaims with it; ENOMEM; EACCES: the heap is protected, and
// the pool does not expand; EBUSY: a signal handler calls that has interrupted the library;
// ENOTSUP: the option enabled is off, or the heap has LUNA_HEAP_KEY.
int luna_pool_create(const char* name, size_t block_bytes, const luna_pool_options* options,
                     luna_pool** pool);

// A block, of undefined contents. NULL: `max_blocks` are in use; or a chunk is needed, and a signal
// handler calls that has interrupted the library, or, with errno ENOMEM, the kernel or the heap
// refuses memory; or, with EACCES, the heap is protected. Takes no lock unless a chunk is needed,
// and never waits for a thread that does not run otherwise. A chunk that is refused to a pool of no
// heap is asked for as memory is by malloc: memory goes back, and subscribers of memory pressure
// are waited for, for a fifth of a second at most, once a second (lunalloc/pressure.h).
void* luna_pool_allocate(luna_pool* pool);

// Gives a block back to its pool. NULL is no block, and welcome. Returns 0; or EINVAL after one
// line on stderr that names the pool and the mistake, with nothing changed: the pointer is no
// block of this pool but perhaps of another, or lies inside a block, or the block is free already.
int luna_pool_free(luna_pool* pool, void* pointer);

typedef struct luna_pool_usage {
  size_t struct_size;       // in: sizeof(luna_pool_usage)
  uint64_t block_bytes;     // as the pool was made with
  uint64_t used_blocks;     // in use
  uint64_t peak_blocks;     // the most that ever were
  uint64_t capacity;        // blocks that there is memory for
  uint64_t denied;          // how often luna_pool_allocate() returned NULL
  uint64_t chunk_bytes;     // of memory for blocks
  uint64_t resident_bytes;  // of it, in pages that the kernel backs
} luna_pool_usage;

// Fills `*usage`. Returns 0, EINVAL: struct_size is unknown to this version, or EBUSY: a signal
// handler calls that has interrupted the library. Slow: a system call for each chunk.
int luna_pool_stats(luna_pool* pool, luna_pool_usage* usage);

// Gives memory that holds no block back; returns how many bytes. Nothing of a pool that does not
// expand.
size_t luna_pool_trim(luna_pool* pool);

// Ends the pool: its blocks are gone with it, in use or not. No other thread may use it any more.
// Returns 0 or EBUSY: a signal handler calls that has interrupted the library.
int luna_pool_destroy(luna_pool* pool);

// The pool whose memory a pointer lies in, be it a block in use or not, or NULL. Slow: asks all
// pools. NULL in a signal handler that has interrupted the library.
luna_pool* luna_pool_of(const void* pointer);

// The name, as long as the pool lives.
const char* luna_pool_name(const luna_pool* pool);

// Fills an array of `*count` elements with the pools there are, the newest first, and sets
// `*count` to their number, which may be more than fit. Another thread may end one meanwhile.
// Returns 0 or EBUSY: a signal handler calls that has interrupted the library.
int luna_pool_list(luna_pool** pools, size_t* count);

#ifdef __cplusplus
}
#endif
