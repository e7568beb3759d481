// SPDX-License-Identifier: MIT
// pressure.h - told in time: how near the process is to the limits of its memory, and callbacks
// that are called before the kernel kills.
//
// docs/pressure.md says what is looked at, and what the library gives back by itself first.
// Every function may be called from any thread, also from a callback, but not from a signal
// handler. None changes errno.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum luna_pressure_level {
  LUNA_PRESSURE_NONE,
  LUNA_PRESSURE_LOW,       // 70 % of a limit, unless the options say otherwise
  LUNA_PRESSURE_MODERATE,  // 85 %
  LUNA_PRESSURE_CRITICAL   // 95 %: the kernel may kill soon
} luna_pressure_level;

// What the level comes from.
typedef enum luna_pressure_source {
  LUNA_PRESSURE_FROM_NOTHING,
  LUNA_PRESSURE_FROM_CGROUP,         // the limit of the process's cgroup, or of one above it
  LUNA_PRESSURE_FROM_PROCESS_LIMIT,  // RLIMIT_AS or RLIMIT_DATA
  LUNA_PRESSURE_FROM_OWN_LIMIT,      // the options soft_limit_mib and hard_limit_mib
  LUNA_PRESSURE_FROM_STALL,          // tasks wait for memory: the kernel's pressure stall figures
  LUNA_PRESSURE_FROM_REFUSAL,        // an allocation failed within the last second
  LUNA_PRESSURE_FROM_SYSTEMD,        // MEMORY_PRESSURE_WATCH told within the last 2 s
  LUNA_PRESSURE_FROM_KERNEL_EVENT    // the kernel did: a trigger for stalls, or the cgroup
} luna_pressure_source;

typedef struct luna_pressure_event {
  size_t struct_size;       // in where the program passes it: sizeof(luna_pressure_event)
  uint64_t level;           // a luna_pressure_level
  uint64_t source;          // a luna_pressure_source; of several, that with the highest level
  uint64_t used_bytes;      // of the limit; for a stall or a refusal, of the nearest limit
  uint64_t limit_bytes;     // 0: no limit is known
  uint64_t resident_bytes;  // of the process; UINT64_MAX: the kernel does not say
  uint64_t released_bytes;  // that the library has just given back, before it told
} luna_pressure_event;

// Called with no lock of the library's held: it may allocate, free, subscribe and unsubscribe. The
// event is good until it returns. In the child of a fork that it makes it must not
// return, and nowhere may it end its thread.
typedef void (*luna_pressure_callback)(const luna_pressure_event* event, void* context);

typedef uint64_t luna_subscription;  // never 0

#define LUNA_PRESSURE_SUBSCRIPTIONS 16

// Has `callback` called from now on: when the level rises to `level` or, being there, rises
// further; once when it has fallen below `level` again; and in between, unless
// `min_interval_ms` is 0, at a look that comes so long after its last call. Looks come once a
// second, sooner while the heap grows, and at once when the kernel or the manager of the service
// tells of pressure. It is also called for an allocation that was refused and waits for it, up to
// three times for each: what it frees may make that one succeed; docs/pressure.md says when. One
// callback runs at a time, on a thread of the
// library's with all signals blocked and a stack of 256 KiB, or in luna_pressure_check(). The
// first subscription starts that thread; in the child of a fork the first call of a function
// of this header does, for subscriptions that were made before it.
// Returns 0, or, with nothing changed: EINVAL if the level is none of LOW, MODERATE and
// CRITICAL, or `callback` or `subscription` is NULL; ENOSPC if there are
// LUNA_PRESSURE_SUBSCRIPTIONS already; ENOTSUP if the option enabled is off; EAGAIN if the
// thread cannot be started.
int luna_pressure_subscribe(luna_pressure_level level, uint64_t min_interval_ms,
                            luna_pressure_callback callback, void* context,
                            luna_subscription* subscription);

// Afterwards the callback does not run and will not be called: waits for it where another thread
// is in it, so the caller must hold no lock that it wants. From within the callback itself it
// does not wait. Returns 0, or ENOENT if there is no such subscription (any more).
int luna_pressure_unsubscribe(luna_subscription subscription);

// Looks now, and fills `*event`; calls nobody and gives nothing back: released_bytes is 0. Slow:
// reads some small files. Returns 0, EINVAL if struct_size is unknown to this version, or
// ENOTSUP if the option enabled is off; then nothing is written.
int luna_pressure_read(luna_pressure_event* event);

// Does at once, on this thread, what the library's thread does once a second: looks, gives back,
// and calls whom it concerns. For programs that call it at moments of their choice. Returns
// 0, EBUSY if nobody was called since another thread or a callback is at it or the process exits,
// or ENOTSUP if the option enabled is off.
int luna_pressure_check(void);

// Says that the program will not soon use these bytes, which are of one or more of its blocks. The
// kernel then takes the whole pages that lie inside before others when memory is scarce; where the
// pressure was critical at the last look it moves them to swap space at once. The contents stay,
// and using them again makes them what they were. Nothing is kept of the call, so the block may be
// freed, or resized, at any time.
// Returns 0, also where no whole page lies inside or there is no swap space; EINVAL if `pointer` is
// NULL or not all of the pages are mapped; ENOTSUP if the kernel does not do it, before 5.4 or with
// locked or huge pages, or the option enabled is off.
int luna_memory_cold(const void* pointer, size_t bytes);

#ifdef __cplusplus
}
#endif
