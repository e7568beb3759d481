// SPDX-License-Identifier: MIT
// Blocks that know their size and seed, to be checked by whoever gets them, and a bounded queue
// to hand them from thread to thread. The queue itself does not allocate.
#pragma once

#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace handover {

struct Label {
  std::size_t size;
  std::size_t seed;
};

// A block of `size` bytes or a little more, labelled in front and filled behind.
[[nodiscard]] inline void* make(std::size_t size, std::size_t seed) {
  const Label label = {size, seed};
  auto* const block = static_cast<char*>(malloc(sizeof label + size));
  EXPECT(block != nullptr);
  std::memcpy(block, &label, sizeof label);
  blocks::fill(block + sizeof label, size, seed);
  return block;
}

// Ends the process unless the block is as make() left it.
inline void check(const void* block) {
  Label label;
  std::memcpy(&label, block, sizeof label);
  EXPECT(label.size < blocks::kGiB);
  EXPECT_FOR(label.size,
             blocks::holds(static_cast<const char*>(block) + sizeof label, label.size, label.seed));
}

inline void check_and_free(void* block) {
  check(block);
  free(block);
}

// put() waits while it is full, take() while it is empty; null says that nothing more comes.
class Queue {
 public:
  void put(void* block) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [this] { return count_ < blocks_.size(); });
    blocks_[(first_ + count_++) % blocks_.size()] = block;
    not_empty_.notify_one();
  }

  [[nodiscard]] void* take() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return count_ > 0; });
    void* const block = blocks_[first_];
    first_ = (first_ + 1) % blocks_.size();
    --count_;
    not_full_.notify_one();
    return block;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::array<void*, 1024> blocks_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace handover
