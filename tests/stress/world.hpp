// SPDX-License-Identifier: MIT
// What the stress tests share: marked blocks, a place to hand them over, the
// time that is left, and what must hold when all threads are done.
#pragma once

#include "stress/arguments.hpp"
#include "support/pattern.hpp"
#include "support/test_thread.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace luna::test {

// Always on, whatever the build; names what was expected.
#define LUNA_EXPECT(condition, ...)                                                 \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: expected %s: ", __FILE__, __LINE__, #condition); \
      std::fprintf(stderr, __VA_ARGS__);                                            \
      std::fprintf(stderr, "\n");                                                   \
      std::abort();                                                                 \
    }                                                                               \
  } while (false)

struct MarkedBlock {
  void* memory = nullptr;
  std::size_t bytes = 0;
  std::uint64_t mark = 0;
};

[[nodiscard]] inline MarkedBlock allocate_marked(TestThread& thread, std::size_t bytes,
                                                 std::uint64_t mark) {
  MarkedBlock block = {thread.allocate(bytes), bytes, mark};
  LUNA_EXPECT(block.memory != nullptr, "no memory for %zu bytes", bytes);
  write_pattern(block.memory, bytes, mark);
  return block;
}

inline void deallocate_marked(TestThread& thread, const MarkedBlock& block) {
  LUNA_EXPECT(has_pattern(block.memory, block.bytes, block.mark), "block %p of %zu bytes",
              block.memory, block.bytes);
  LUNA_EXPECT(thread.deallocate(block.memory) == Verdict::kDone, "block %p", block.memory);
}

// Hands blocks from thread to thread. Its own memory is the C library's.
class Handover {
 public:
  void put(const MarkedBlock& block) {
    const std::lock_guard guard(mutex_);
    blocks_.push_back(block);
  }

  [[nodiscard]] std::optional<MarkedBlock> take() {
    const std::lock_guard guard(mutex_);
    if (blocks_.empty()) return std::nullopt;
    const MarkedBlock block = blocks_.front();
    blocks_.pop_front();
    return block;
  }

  [[nodiscard]] std::size_t size() {
    const std::lock_guard guard(mutex_);
    return blocks_.size();
  }

 private:
  std::mutex mutex_;
  std::deque<MarkedBlock> blocks_;
};

class Deadline {
 public:
  explicit Deadline(std::uint64_t seconds)
      : end_(std::chrono::steady_clock::now() + std::chrono::seconds(seconds)) {}

  [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

// To be called when every block is free and every other thread has ended: all
// memory must be free, and the invariants must hold. Heaps may have slabs of
// each other on their stacks, which each round passes on by one step.
inline void expect_all_free(Allocator& allocator) {
  TestThread thread(allocator);
  for (int round = 0; round < 3; ++round) thread.trim();
  thread.heap().verify();
  allocator.pages().verify();
  const HeapUsage usage = allocator.usage();
  std::printf("heaps %zu, reserved %zu MiB, committed %zu MiB\n", usage.thread_heaps,
              usage.pages.reserved >> 20, usage.pages.committed >> 20);
  LUNA_EXPECT(usage.small_blocks == 0, "%zu", usage.small_blocks);
  LUNA_EXPECT(usage.pages.large_blocks == 0, "%zu", usage.pages.large_blocks);
  LUNA_EXPECT(usage.pages.slabs == 0, "%zu", usage.pages.slabs);
  LUNA_EXPECT(usage.pages.used == 0, "%zu", usage.pages.used);
  LUNA_EXPECT(usage.pages.dirty == 0, "%zu", usage.pages.dirty);
}

}  // namespace luna::test
