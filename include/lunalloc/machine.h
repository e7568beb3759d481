// SPDX-License-Identifier: MIT
// machine.h - the machine and the limits that the process runs under, as far as they concern
// its memory.
//
// Every function may be called from any thread and at any time. None allocates.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// In place of a number: the kernel does not say, in this container or at all. Not the same as 0.
#define LUNA_UNKNOWN UINT64_MAX

// In place of a limit: there is none.
#define LUNA_UNLIMITED (UINT64_MAX - 1)

#define LUNA_MACHINE_NODES 64
#define LUNA_MACHINE_POOLS 8
#define LUNA_MACHINE_PATH 768

// When the kernel backs memory with transparent huge pages.
typedef enum luna_huge_pages {
  LUNA_HUGE_PAGES_NEVER,
  LUNA_HUGE_PAGES_MADVISE,  // where the program asked for them
  LUNA_HUGE_PAGES_ALWAYS
} luna_huge_pages;

// What a page fault does when no huge page is at hand.
typedef enum luna_huge_defrag {
  LUNA_HUGE_DEFRAG_NEVER,
  LUNA_HUGE_DEFRAG_MADVISE,        // it waits where the program asked for huge pages
  LUNA_HUGE_DEFRAG_DEFER,          // the kernel makes some in the background
  LUNA_HUGE_DEFRAG_DEFER_MADVISE,  // both
  LUNA_HUGE_DEFRAG_ALWAYS          // it waits
} luna_huge_defrag;

// A pool of huge pages that an administrator has set aside.
typedef struct luna_huge_pool {
  uint64_t page_bytes;
  uint64_t pages;       // that are in it, in use or not
  uint64_t free_pages;  // of them, not in use
} luna_huge_pool;

// Bytes unless said otherwise; LUNA_UNKNOWN in every number that cannot be read. The numbers are
// read one after another, while the machine goes on.
typedef struct luna_machine {
  size_t struct_size;  // in: sizeof(luna_machine), so that fields can be added

  // The machine, or what a container is shown of it.
  uint64_t memory_bytes;
  uint64_t available_bytes;  // that can be had without swapping, as the kernel guesses
  uint64_t swap_bytes;
  uint64_t swap_free_bytes;
  uint64_t page_bytes;
  uint64_t overcommit_mode;       // 0 by its own judgement, 1 always, 2 never beyond a limit
  uint64_t overcommit_percent;    // of the memory, for that limit
  uint64_t pressure_is_measured;  // 1 if there is /proc/pressure/memory, else 0

  // NUMA nodes: how many are online, and the memory of each by its number.
  uint64_t nodes;
  uint64_t node_bytes[LUNA_MACHINE_NODES];

  uint64_t huge_pages;   // a luna_huge_pages
  uint64_t huge_defrag;  // a luna_huge_defrag
  uint64_t huge_pools;   // how many of the following are given, by rising size
  luna_huge_pool huge_pool[LUNA_MACHINE_POOLS];

  // The process. Limits may also be LUNA_UNLIMITED.
  uint64_t address_space_limit;  // RLIMIT_AS
  uint64_t address_space_bytes;  // that count against it
  uint64_t data_limit;           // RLIMIT_DATA
  uint64_t data_bytes;           // that count against it
  uint64_t mappings;             // how many there are
  uint64_t max_mappings;         // how many there may be: vm.max_map_count

  // Its memory cgroup.
  uint64_t cgroup_version;            // 1 or 2; 0: none can be seen
  uint64_t cgroup_max_bytes;          // a limit, above which the kernel kills
  uint64_t cgroup_high_bytes;         // a limit, above which it slows down; version 2
  uint64_t cgroup_soft_bytes;         // a limit, above which it takes from here first; version 1
  uint64_t cgroup_bytes;              // in use, with all of the page cache
  uint64_t cgroup_working_set_bytes;  // without that part of it that is not in use
  uint64_t cgroup_high_events;        // how often it came to that; version 2
  uint64_t cgroup_max_events;         // of version 1: memory.failcnt
  uint64_t cgroup_oom_events;         // version 2
  uint64_t cgroup_oom_kills;
  char cgroup_path[LUNA_MACHINE_PATH];  // the directory of its files; empty: none can be seen

  // The tightest limit of that cgroup and those above it that can be seen. All three are
  // LUNA_UNKNOWN if none can be seen, the latter two also if there is no limit.
  uint64_t cgroup_limit_bytes;
  uint64_t cgroup_limit_used_bytes;         // by all who share that limit
  uint64_t cgroup_limit_working_set_bytes;  // of it, without page cache that is not in use
} luna_machine;

// Fills `*machine` and returns 0. EINVAL: struct_size is unknown to this version; nothing is
// written. Slow: reads dozens of small files, and one line for each mapping of the process.
int luna_machine_read(luna_machine* machine);

#ifdef __cplusplus
}
#endif
