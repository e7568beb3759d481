// SPDX-License-Identifier: MIT
// What a program without leaks does all day: blocks that live for a while and go. Everything
// goes by counts; the same in each run.
#pragma once

#include "expect.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <string>

namespace churn {

// Never ends, and is the same in each run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<std::size_t>((state_ >> 33) % bound);
  }

 private:
  std::uint64_t state_;
};

// A block that the compiler cannot do without.
[[nodiscard]] inline void* block_of(std::size_t bytes) {
  void* block = expect::opaque(std::malloc(bytes));
  EXPECT(block != nullptr);
  std::memset(block, 1, bytes < 64 ? bytes : 64);
  return block;
}

class Churn {
 public:
  explicit Churn(std::uint64_t seed = 1) : random_(seed) {}
  ~Churn() {
    for (void* block : blocks_) std::free(block);
  }
  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  void request() {
    innocent_replacing();
    innocent_queue();
    innocent_text();
  }

 private:
  // Lives for 300 requests on the average.
  [[gnu::noinline]] void innocent_replacing() {
    void*& block = blocks_[random_.below(blocks_.size())];
    std::free(block);
    block = block_of(16 + random_.below(1000));
  }

  // Up to 200 wait in it, then all are served.
  [[gnu::noinline]] void innocent_queue() {
    queue_.push_back(std::make_unique<std::array<char, 200>>());
    if (queue_.size() < 100 + random_.below(100)) return;
    while (!queue_.empty()) queue_.pop_front();
  }

  [[gnu::noinline]] void innocent_text() {
    std::string text;
    for (std::size_t i = 0; i < 40; ++i) text += static_cast<char>('a' + random_.below(26));
    static_cast<void>(expect::opaque(text.data()));
  }

  Random random_;
  std::array<void*, 300> blocks_{};
  std::deque<std::unique_ptr<std::array<char, 200>>> queue_;
};

}  // namespace churn
