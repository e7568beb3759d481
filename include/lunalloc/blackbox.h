// SPDX-License-Identifier: MIT
// blackbox.h - the file that the option `blackbox` keeps, for programs that read it. It has no
// functions. docs/blackbox.md tells the same in words; `luna blackbox FILE` prints such a file.
//
// All numbers are little endian. The file is a header, then rings of slots of one size each. A
// slot holds one record, or zeros, or what is left of a record that was being replaced when the
// process died: its checksum says so.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LUNA_BLACKBOX_MAGIC "LUNABBOX"
#define LUNA_BLACKBOX_VERSION 1u
#define LUNA_BLACKBOX_HEADER_BYTES 4096u  // that the header takes in the file
#define LUNA_BLACKBOX_RINGS 3u
#define LUNA_BLACKBOX_RECORD_MAGIC 0x4352424cu  // "LBRC"

// In place of a number: it is not known.
#define LUNA_BLACKBOX_UNKNOWN UINT64_MAX
// In place of a limit: there is none.
#define LUNA_BLACKBOX_UNLIMITED (UINT64_MAX - 1)

// What records a ring holds.
typedef enum luna_blackbox_kind {
  LUNA_BLACKBOX_STATISTICS_KIND = 1,  // luna_blackbox_statistics
  LUNA_BLACKBOX_EVENT_KIND = 2,       // luna_blackbox_event and a text
  LUNA_BLACKBOX_SITES_KIND = 3        // luna_blackbox_sites and what it tells of
} luna_blackbox_kind;

typedef struct luna_blackbox_ring {
  uint32_t kind;
  uint32_t slot_bytes;
  uint64_t offset;  // of the first slot in the file
  uint64_t slots;
} luna_blackbox_ring;

// At the start of the file. Texts end with a zero byte.
typedef struct luna_blackbox_header {
  char magic[8];
  uint32_t version;
  uint32_t header_bytes;
  uint64_t file_bytes;
  uint64_t process;         // its number
  uint64_t began_epoch_ns;  // when the file was made, by the time of day
  uint64_t began_ns;        // and by the clock that never goes back
  uint64_t page_bytes;
  uint32_t rings;
  uint32_t reserved;
  luna_blackbox_ring ring[LUNA_BLACKBOX_RINGS];
  char boot_id[40];  // of the kernel: tells whether the machine has been started anew
  char host[72];
  char lunalloc_version[32];
  char program[228];
  uint32_t checksum;  // CRC-32 of all that stands before it
} luna_blackbox_header;

// At the start of a slot. The record with sequence n of a ring is in the slot (n - 1) modulo the
// number of slots; the first has 1.
typedef struct luna_blackbox_record {
  uint32_t magic;
  uint32_t kind;
  uint64_t sequence;
  uint64_t epoch_ns;  // both when it was written
  uint64_t monotonic_ns;
  uint32_t payload_bytes;  // that follow
  uint32_t checksum;       // CRC-32 of what stands before it, then of the payload
} luna_blackbox_record;

// Every number of a record of statistics, in order. A later version may have more behind them.
// live + thread_cache + spare_slab + slab_free + slab_uncut + kept + dirty + retained bytes are
// the committed bytes; docs/statistics.md says what each is.
#define LUNA_BLACKBOX_STATISTICS(FIELD)                                              \
  FIELD(live_bytes)         /* blocks in use */                                      \
  FIELD(live_blocks)        /* their number */                                       \
  FIELD(large_bytes)        /* of live_bytes: blocks of whole pages */               \
  FIELD(requested_bytes)    /* that the program asked for; estimated from samples */ \
  FIELD(thread_cache_bytes) /* free blocks in the lists of threads */                \
  FIELD(spare_slab_bytes)   /* that threads keep for slabs to come */                \
  FIELD(slab_free_bytes)    /* free blocks in slabs */                               \
  FIELD(slab_uncut_bytes)   /* of slabs, not cut into blocks */                      \
  FIELD(kept_bytes)         /* large blocks freed last, kept whole */                \
  FIELD(dirty_bytes)        /* free pages that may be backed */                      \
  FIELD(retained_bytes)     /* free pages that are not */                            \
  FIELD(committed_bytes)    /* readable and writable */                              \
  FIELD(reserved_bytes)     /* address space for blocks */                           \
  FIELD(metadata_bytes)     /* address space of lunalloc's tables */                 \
  FIELD(telemetry_bytes)    /* and of the profiler's and of guarded samples */       \
  FIELD(attached_threads)   /* that have a heap */                                   \
  FIELD(purged_bytes)       /* free pages given back since the start */              \
  FIELD(minor_faults)       /* of the process since its start */                     \
  FIELD(major_faults)                                                                \
  FIELD(peak_live_bytes)     /* most live_bytes of all records so far */             \
  FIELD(refused_allocations) /* that got no memory, since the start */               \
  FIELD(resident_bytes)      /* of the process, as the kernel says */                \
  FIELD(peak_resident_bytes) /* most of them since its start */                      \
  FIELD(resident_anonymous_bytes)                                                    \
  FIELD(swapped_bytes)                                                               \
  FIELD(virtual_bytes)      /* its address space */                                  \
  FIELD(cgroup_bytes)       /* of the cgroup with the tightest limit */              \
  FIELD(cgroup_limit_bytes) /* what it may use */                                    \
  FIELD(cgroup_oom_kills)   /* processes that the kernel killed in it */             \
  FIELD(cost_ns)            /* what it took to find out all this */

typedef struct luna_blackbox_statistics {
#define LUNA_BLACKBOX_FIELD(name) uint64_t name;
  LUNA_BLACKBOX_STATISTICS(LUNA_BLACKBOX_FIELD)
#undef LUNA_BLACKBOX_FIELD
} luna_blackbox_statistics;

typedef enum luna_blackbox_event_kind {
  LUNA_BLACKBOX_MESSAGE = 1,     // a text alone
  LUNA_BLACKBOX_PRESSURE = 2,    // memory became scarce, or is not any more
  LUNA_BLACKBOX_REFUSED = 3,     // an allocation got no memory
  LUNA_BLACKBOX_NEAR_LIMIT = 4,  // the use of a limit rose to what an option says
  LUNA_BLACKBOX_MISTAKE = 5,     // of the program, or ours; mostly the last record
  LUNA_BLACKBOX_EXIT = 6         // the process ended of its own will
} luna_blackbox_event_kind;

typedef enum luna_blackbox_level {
  LUNA_BLACKBOX_NONE = 0,
  LUNA_BLACKBOX_LOW = 1,
  LUNA_BLACKBOX_MODERATE = 2,
  LUNA_BLACKBOX_CRITICAL = 3
} luna_blackbox_level;

// A text of text_bytes follows, without a zero at its end.
typedef struct luna_blackbox_event {
  uint32_t kind;
  uint32_t level;
  uint64_t used_bytes;  // of limit_bytes; both may be UNKNOWN
  uint64_t limit_bytes;
  uint64_t thread;  // the kernel's number of who noted it
  char source[28];  // who noticed: a text that ends with a zero byte
  uint32_t text_bytes;
} luna_blackbox_event;

// The sites with most live bytes, most first. `sites` times a luna_blackbox_site with its frames
// follow, then `modules` times a luna_blackbox_module with its texts.
typedef struct luna_blackbox_sites {
  uint32_t sites;
  uint32_t modules;         // those with a frame; those that found no room are left out
  uint64_t all_sites;       // that the profiler knows
  uint64_t all_live_bytes;  // of all of them, estimated
  uint64_t interval_bytes;  // one sample for so many bytes; 0: no more are taken
  uint64_t dropped_samples;
} luna_blackbox_sites;

// Estimates; `frames` addresses of 8 bytes follow, the innermost first. Each points behind a
// call: one less is in it.
typedef struct luna_blackbox_site {
  uint64_t live_bytes;
  uint64_t live_objects;
  uint64_t allocated_bytes;
  uint64_t allocated_objects;
  uint32_t frames;
  uint32_t all_frames;  // that the stack had
} luna_blackbox_site;

// The path and then the build-id in hexadecimal digits follow, with zeros up to a multiple of 8.
typedef struct luna_blackbox_module {
  uint64_t begin;
  uint64_t end;
  uint64_t bias;  // subtract it from an address, and tools that read the file understand it
  uint32_t path_bytes;
  uint32_t build_id_bytes;
} luna_blackbox_module;

#ifdef __cplusplus
}
#endif
