// SPDX-License-Identifier: MIT
// An allocator with one thread, whose invariants are tested when it ends.
#pragma once

#include "support/test_thread.hpp"

#include <cstddef>
#include <vector>

namespace luna::test {

struct OneThread {
  OneThread() = default;
  ~OneThread() {
    if (thread.attached()) thread.heap().verify();
    allocator.pages().verify();
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

  [[nodiscard]] std::vector<void*> allocate_many(std::size_t count, std::size_t bytes) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(thread.allocate(bytes));
    return blocks;
  }

  [[nodiscard]] Slab& slab_of(const void* block) {
    return *reinterpret_cast<Slab*>(allocator.window().slot_of(block));
  }

  [[nodiscard]] std::size_t slabs() { return allocator.usage().pages.slabs / kGranuleBytes; }

  TestAllocator allocator;
  TestThread thread{allocator};
};

}  // namespace luna::test
