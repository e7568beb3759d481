// SPDX-License-Identifier: MIT
// cache.h - the memory hierarchy by explicit operations: fences, prefetches, write-back and flush
// of ranges, copies past the caches. For drivers in user space, programs that share memory with
// devices, databases on persistent memory, and benchmarks. docs/cache.md has more.
//
// Every function may be called from any thread and at any time, also in a signal handler. None
// allocates, and none makes a system call.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Fences ----------------------------------------------------------------------
//
// They order all accesses: to ordinary memory, to memory that a device reads or writes, and
// those that go past the caches. The compiler moves none over a fence either. Atomics of C and
// C++ are enough, and cheaper on x86-64, where threads share ordinary memory alone.

// Earlier loads before later ones. x86-64: lfence; aarch64: dmb oshld.
static inline void luna_fence_load(void) {
#if defined(__x86_64__)
  __asm__ __volatile__("lfence" : : : "memory");
#elif defined(__aarch64__)
  __asm__ __volatile__("dmb oshld" : : : "memory");
#else
#error "lunalloc: this processor has no fences yet; add them here"
#endif
}

// Earlier stores before later ones; also waits for what luna_cache_write_back(),
// luna_cache_flush() and the copies past the caches have begun. x86-64: sfence; aarch64: dmb oshst.
static inline void luna_fence_store(void) {
#if defined(__x86_64__)
  __asm__ __volatile__("sfence" : : : "memory");
#else
  __asm__ __volatile__("dmb oshst" : : : "memory");
#endif
}

// Everything before everything: the only one that orders earlier stores before later loads.
// x86-64: mfence; aarch64: dmb osh.
static inline void luna_fence_full(void) {
#if defined(__x86_64__)
  __asm__ __volatile__("mfence" : : : "memory");
#else
  __asm__ __volatile__("dmb osh" : : : "memory");
#endif
}

// Earlier loads before later stores. x86-64: the processor never swaps these, so it holds the
// compiler back alone; aarch64: dmb oshld.
static inline void luna_fence_load_store(void) {
#if defined(__x86_64__)
  __asm__ __volatile__("" : : : "memory");
#else
  __asm__ __volatile__("dmb oshld" : : : "memory");
#endif
}

// ---- Prefetch --------------------------------------------------------------------
//
// Hints: a line is fetched meanwhile, or not. Never a fault, whatever the address.

// Into all levels of the cache, to be read soon. x86-64: prefetcht0; aarch64: prfm pldl1keep.
static inline void luna_prefetch_read(const void* address) { __builtin_prefetch(address, 0, 3); }

// The same as the one owner, to be written to soon. x86-64: prefetchw, which processors without
// it take for no operation; aarch64: prfm pstl1keep.
static inline void luna_prefetch_write(const void* address) {
#if defined(__x86_64__)
  __asm__ __volatile__("prefetchw (%0)" : : "r"(address));
#else
  __builtin_prefetch(address, 1, 3);
#endif
}

// To be read once: disturbs as little as can be of what the caches hold. x86-64: prefetchnta;
// aarch64: prfm pldl1strm.
static inline void luna_prefetch_nontemporal(const void* address) {
  __builtin_prefetch(address, 0, 0);
}

// ---- Ranges ----------------------------------------------------------------------

// Bytes of a cache line: what the functions below work on. 64 on x86-64; on aarch64 the smallest
// line of all data caches.
size_t luna_cache_line_bytes(void);

// What these three return is 0, or an errno value: EINVAL if there are no such addresses. A range
// may start and end anywhere and is widened to whole lines; what lies in it does not change. It
// must be mapped and readable: else the process gets a signal, as by a load.
//
// Write-back and flush order themselves behind earlier stores of the same thread to the same
// lines, but are not done when the function returns: luna_fence_store() behind one or many of
// them waits for that. Between a flush and loads that shall come from memory a
// luna_fence_full() is needed.

// Writes what the caches hold of the range and memory does not; the lines stay in the caches where
// the processor can do that. For memory that a device reads without looking into the caches, and
// for persistent memory: behind the fence the bytes are in what survives the loss of power.
// x86-64: clwb, else as luna_cache_flush(); aarch64: dc cvap, else dc cvac.
int luna_cache_write_back(const void* address, size_t bytes);

// The same, and drops the lines from all caches of all processors. x86-64: clflushopt, else
// clflush; aarch64: dc civac.
int luna_cache_flush(const void* address, size_t bytes);

// Would drop the lines without writing them back. ENOTSUP, always: x86-64 has no instruction for
// that on a range (invd drops all caches, and only the kernel may use it), and aarch64's dc ivac is
// the kernel's, for it would bring back what memory held before, such as what the kernel had
// cleared or another process had left there. Take luna_cache_flush() before the device writes.
int luna_cache_invalidate(const void* address, size_t bytes);

// ---- Past the caches -------------------------------------------------------------
//
// For much memory that is not used again soon. Whole lines of `to` go past the caches, the rest at
// both ends does not. Others may see the stores in any order: call luna_fence_store() before
// telling them. x86-64: movntdq; aarch64: stnp, which is a hint.

// As memcpy(): the ranges must not overlap.
void luna_copy_nontemporal(void* to, const void* from, size_t bytes);

void luna_zero_nontemporal(void* to, size_t bytes);

#ifdef __cplusplus
}
#endif
