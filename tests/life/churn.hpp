// SPDX-License-Identifier: MIT
// Threads that allocate, and free what others have allocated, until they are told to end.
#pragma once

#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace churn {

// Blocks that whoever comes by takes, and leaves another for. The order makes their contents seen.
class Slots {
 public:
  void exchange(blocks::Random& random) {
    void* const made = handover::make(random.size() % kMostBytes, random.below(255));
    void* const found = slots_[random.below(slots_.size())].exchange(made);
    if (found != nullptr) handover::check_and_free(found);
  }

  void clear() {
    for (std::atomic<void*>& slot : slots_) {
      void* const found = slot.exchange(nullptr);
      if (found != nullptr) handover::check_and_free(found);
    }
  }

 private:
  static constexpr std::size_t kMostBytes = 100'000;
  std::array<std::atomic<void*>, 128> slots_{};
};

class Threads {
 public:
  explicit Threads(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) threads_.emplace_back([this, i] { work(i + 1); });
    while (running_ < count) std::this_thread::yield();
  }
  ~Threads() {
    ends_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  [[nodiscard]] Slots& slots() { return slots_; }

  // All stand still when this returns, holding no block.
  void pause() {
    paused_ = true;
    while (resting_ < threads_.size()) std::this_thread::yield();
  }
  void go_on() {
    paused_ = false;
    while (resting_ > 0) std::this_thread::yield();
  }

 private:
  void work(std::size_t seed) {
    blocks::Random random(seed);
    slots_.exchange(random);
    ++running_;
    while (!ends_) {
      if (paused_) rest();
      slots_.exchange(random);
    }
  }

  void rest() {
    ++resting_;
    while (paused_ && !ends_) std::this_thread::yield();
    --resting_;
  }

  Slots slots_;
  std::atomic<std::size_t> running_{0};
  std::atomic<std::size_t> resting_{0};
  std::atomic<bool> paused_{false};
  std::atomic<bool> ends_{false};
  std::vector<std::thread> threads_;
};

}  // namespace churn
