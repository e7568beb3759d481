// SPDX-License-Identifier: MIT
// queue.h - bounded queues of blocks between threads, to hand messages over. Nothing waits: where
// there is no room, or no block, the caller is told, and no operation on a queue makes a system
// call.
//
// docs/pools.md has an example. Every function may be called from any thread, by as many at once as
// like to; the two that try, and those that count, also in a signal handler. None changes errno.
//
// A queue knows nothing of what the pointers lead to: blocks of malloc, of a pool, or anything.
// What was written to a block before it was pushed is seen by who pops it. Blocks come out in the
// order in which they went in, as far as pushes follow each other.
//
// A thread that is stopped between claiming a place and filling it holds up what was pushed after
// it: until it goes on, luna_queue_try_pop() finds nothing there. The same holds for fork(): the
// child has a copy of the queue with the blocks in it, which is good to use if no other thread was
// in one of the two operations; else make a new one there.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct luna_queue luna_queue;

#define LUNA_QUEUE_MAX_BLOCKS ((size_t)1 << 30)

// Makes a queue of at least `capacity` blocks, rounded up to a power of two, and sets `*queue`.
// Takes 24 bytes for each. Returns 0; EINVAL: the capacity is 0 or above LUNA_QUEUE_MAX_BLOCKS;
// ENOMEM; EBUSY: a signal handler calls that has interrupted the library; ENOTSUP: the option
// enabled is off.
int luna_queue_create(size_t capacity, luna_queue** queue);

// Puts a block, and a number that goes with it, at the end. Returns 0; EAGAIN: the queue is full;
// EINVAL: the pointer is NULL.
int luna_queue_try_push(luna_queue* queue, void* pointer, size_t bytes);

// Takes the first block, and sets `*bytes`, unless `bytes` is NULL, to the number that came with
// it. NULL: the queue is empty; then nothing is written.
void* luna_queue_try_pop(luna_queue* queue, size_t* bytes);

// How many blocks it can hold; and how many it does, which may be old by the time it is read.
size_t luna_queue_capacity(const luna_queue* queue);
size_t luna_queue_count(const luna_queue* queue);

// Ends the queue; what is in it is forgotten, not freed. No other thread may use it any more.
// Returns 0 or EBUSY: a signal handler calls that has interrupted the library.
int luna_queue_destroy(luna_queue* queue);

#ifdef __cplusplus
}
#endif
