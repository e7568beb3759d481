// SPDX-License-Identifier: MIT
// What a page heap tells of itself.
#pragma once

#include <cstddef>

namespace luna {

// What is where, in bytes of address space; see PageHeap::usage().
struct PageUsage {
  std::size_t reserved = 0;      // address space
  std::size_t committed = 0;     // of it, readable and writable
  std::size_t used = 0;          // of it, handed out as granules, runs and spans
  std::size_t slabs = 0;         // of it, granules
  std::size_t dirty = 0;         // free, but may still be backed by the kernel
  std::size_t metadata = 0;      // address space of our own tables
  std::size_t large_blocks = 0;  // runs, spans and huge blocks in use
  std::size_t large_bytes = 0;

  PageUsage& operator+=(const PageUsage& other) noexcept {
    reserved += other.reserved;
    committed += other.committed;
    used += other.used;
    slabs += other.slabs;
    dirty += other.dirty;
    metadata += other.metadata;
    large_blocks += other.large_blocks;
    large_bytes += other.large_bytes;
    return *this;
  }
};

// The same in short; see PageHeap::totals().
struct PageTotals {
  std::size_t used = 0;   // handed out, huge blocks included
  std::size_t dirty = 0;  // free, but may still be backed by the kernel
};

}  // namespace luna
