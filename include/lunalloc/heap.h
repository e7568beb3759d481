// SPDX-License-Identifier: MIT
// heap.h - heaps of one's own: named, with a limit, statistics, and an end at which all that is in
// one goes at once.
//
// docs/heaps.md has worked examples. Every function may be called from any thread, but not from
// a signal handler. Those that return a pointer set errno when it is NULL; the others return 0
// or an errno value and leave errno alone. A heap that is destroyed must not be named again.
#pragma once

#include <lunalloc/stats.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct luna_heap luna_heap;

#define LUNA_HEAPS 4096          // so many at a time
#define LUNA_HEAP_NAME_BYTES 64  // of a name, with the zero at its end

// What becomes of an allocation that a limit does not permit.
typedef enum luna_heap_denial {
  LUNA_HEAP_RETURNS_NULL,
  LUNA_HEAP_CALLS,  // on_denial, which may free or raise the limit; it is asked to try again
  LUNA_HEAP_ABORTS  // with a report on stderr
} luna_heap_denial;

// Flags of a heap.
#define LUNA_HEAP_EXACT 1u       // charges blocks, as they are handed out, instead of pages
#define LUNA_HEAP_WIPES 2u       // blocks are cleared when they are freed
#define LUNA_HEAP_HUGE_PAGES 4u  // memory comes in huge pages of 2 MiB, where the kernel has them
#define LUNA_HEAP_KEY 8u         // for luna_heap_protect_thread(); without huge pages and guards
#define LUNA_HEAP_INHERITED 16u  // threads begin in it whose creator has entered it
#define LUNA_HEAP_GUARDS 32u     // blocks lie between pages without access, while slots last

typedef struct luna_heap_options {
  size_t struct_size;         // sizeof(luna_heap_options)
  const char* name;           // copied
  luna_heap* parent;          // what this heap uses counts for it too; NULL: none
  uint64_t limit_bytes;       // 0: none
  uint64_t soft_limit_bytes;  // beyond it on_soft_limit is called; 0: none
  uint64_t reserve_bytes;     // of the limit, kept back until a denial; again when there is room
  uint64_t flags;             // LUNA_HEAP_EXACT and so on
  uint64_t denial;            // a luna_heap_denial
  // Called with no lock held, on the thread that allocates. Nonzero: try again; that may go on
  // for as long as there is some left of what it frees.
  int (*on_denial)(luna_heap* heap, size_t bytes, void* context);
  // Called once when the heap has come to use more than its soft limit, and again when it has
  // been below in between.
  void (*on_soft_limit)(luna_heap* heap, uint64_t used_bytes, void* context);
  void* context;
} luna_heap_options;

// A heap of its own address space: what is in one region of 2 MiB is all of one heap. NULL with
// errno EINVAL if struct_size is unknown, the name NULL, empty, too long or with control
// characters, a flag or denial unknown, LUNA_HEAP_CALLS without a function, or the reserve not
// below the limit; ENOSPC if there are LUNA_HEAPS; ENOMEM; or ENOTSUP if the option enabled is off.
luna_heap* luna_heap_create(const luna_heap_options* options);

// As their namesakes, from the heap. Blocks are freed by free() and resized by realloc() as any
// others, by any thread: they stay in their heap. NULL with errno ENOMEM if a limit or the
// kernel does not permit it, or EACCES while the heap is protected.
void* luna_heap_malloc(luna_heap* heap, size_t bytes);
void* luna_heap_calloc(luna_heap* heap, size_t count, size_t bytes);
void* luna_heap_aligned_alloc(luna_heap* heap, size_t alignment, size_t bytes);
// `pointer` is NULL or a block of this heap; of another one: NULL with errno EINVAL.
void* luna_heap_realloc(luna_heap* heap, void* pointer, size_t bytes);
void luna_heap_free(luna_heap* heap, void* pointer);

// As luna_heap_malloc(), without any system call and without waiting: NULL with errno EAGAIN if
// that is not possible just now. At most 32 KiB; a first call on a thread is not possible, and none
// from a heap with a protection key.
void* luna_heap_try_malloc(luna_heap* heap, size_t bytes);

// The heap of a block; NULL: it is of none.
luna_heap* luna_heap_of(const void* pointer);
const char* luna_heap_name(const luna_heap* heap);

typedef struct luna_heap_stats {
  size_t struct_size;    // in: sizeof(luna_heap_stats)
  uint64_t used_bytes;   // what counts for the limit: of this heap and those below it
  uint64_t peak_bytes;   // the most that was, since it was created
  uint64_t limit_bytes;  // 0: none
  uint64_t live_bytes;   // of blocks in use, each with all its room; of this heap alone
  uint64_t live_blocks;
  uint64_t cached_bytes;    // free, in the caches of threads
  uint64_t resident_bytes;  // that the kernel backs of its blocks and free pages
  uint64_t denied;          // allocations that a limit did not permit
  uint64_t children;        // heaps whose parent it is
  // Blocks that threads took from it, so far: each, with LUNA_HEAP_EXACT. Else threads take small
  // ones some at a time, and what one frees and allocates again itself is not counted.
  uint64_t allocations;
} luna_heap_stats;

// Read while others go on. Returns 0, EINVAL if struct_size is unknown to this version, or EBUSY
// while another thread resets the heap.
int luna_heap_stats_read(luna_heap* heap, luna_heap_stats* stats);

// Fills rows, one for each size class of which the heap has slabs, up to `count` of them; returns
// how many there are.
size_t luna_heap_classes(luna_heap* heap, luna_class_stats* rows, size_t count);

// Fills `heaps` with up to `count`, each created before those that it is the parent of; returns
// how many there are.
size_t luna_heap_list(luna_heap** heaps, size_t count);

// 0: none. What is in use already stays.
void luna_heap_set_limit(luna_heap* heap, uint64_t limit_bytes);

// Gives free memory of the heap back, as luna_purge() does for all heaps. Returns the bytes.
size_t luna_heap_trim(luna_heap* heap);

// Frees all blocks at once, also those that other threads hold in caches or have yet to free:
// a block of it that is freed a moment later is ignored. Pools in it (lunalloc/pool.h) are gone.
// Nobody may allocate from it meanwhile.
// Returns 0, or EBUSY while a thread has entered it; luna_heap_destroy() also while it has
// children.
int luna_heap_reset(luna_heap* heap);
int luna_heap_destroy(luna_heap* heap);

// Until luna_heap_leave(), what this thread allocates by malloc and its like, in libraries too,
// comes from the heap. Also what the C library allocates for good, as when a library is loaded: do
// not meanwhile if the heap is to end before the process does. Returns what luna_heap_leave()
// wants. NULL: back to the heap of all.
//
// A thread that is created meanwhile by pthread_create() or thrd_create() begins in the heap if
// that has LUNA_HEAP_INHERITED, and has left it when it has ended; else in the heap of all.
luna_heap* luna_heap_enter(luna_heap* heap);
void luna_heap_leave(luna_heap* before);

typedef enum luna_heap_access {
  LUNA_HEAP_NO_ACCESS,
  LUNA_HEAP_READ,
  LUNA_HEAP_READ_WRITE
} luna_heap_access;

// What all threads may do with its memory. Nothing can be allocated from it unless it is
// LUNA_HEAP_READ_WRITE; freeing is possible. No thread may be allocating from it, freeing its
// blocks, entering or leaving it while this is called; one that has entered it gets no memory until
// it has left, or the heap is open again. Whoever violates it is told on stderr by the names of
// the heap and the thread, before the signal SIGSEGV takes its course. Returns 0, EINVAL, or what
// the kernel says.
int luna_heap_protect(luna_heap* heap, luna_heap_access access);

// What the calling thread alone may do with the memory of a heap with LUNA_HEAP_KEY, as far as
// luna_heap_protect() lets all; without a system call. Nothing can be allocated or resized by a
// thread unless it is LUNA_HEAP_READ_WRITE; freeing is possible. At first that is so for the
// thread that creates the heap, and for others LUNA_HEAP_NO_ACCESS; new threads have what their
// creator has, and signal handlers LUNA_HEAP_NO_ACCESS, which may call this for as long as they
// run. Violations are told as above. Returns 0, EINVAL, or ENOTSUP if the heap has no key: without
// the flag, where the processor or the kernel has no protection keys, and when all 15 of the
// process were taken.
int luna_heap_protect_thread(luna_heap* heap, luna_heap_access access);

typedef enum luna_transfer {
  LUNA_TRANSFER_NONE,    // it was there already
  LUNA_TRANSFER_COPIED,  // its contents were
  LUNA_TRANSFER_MOVED    // with its pages: a block of more than 2 MiB, as a rule
} luna_transfer;

// Hands a block over to another heap, for which it counts from then on; NULL: the heap of all.
// `*pointer` is where it is then, another address unless it was there already, and `*how` (unless
// NULL) how it came there. Until it has arrived it counts for both heaps, and nobody else may use
// it. Returns 0; or EINVAL if it is no block, ENOMEM, or EACCES while `to` is protected or the
// block cannot be read, and then it is where it was.
int luna_block_transfer(void** pointer, luna_heap* to, luna_transfer* how);

#ifdef __cplusplus
}
#endif
