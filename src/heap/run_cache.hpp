// SPDX-License-Identifier: MIT
// Runs of pages that a thread freed and may soon want again, by length. It
// bounds what an idle thread holds; longer runs go to the page heap at once.
#pragma once

#include "heap/slab.hpp"
#include "pages/layout.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// Threads: that of its heap.
class RunCache {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{96} * 1024;
  static constexpr std::size_t kMaxPages = kMaxBytes / kPageBytes;

  // A run of just so many pages, or nullptr.
  [[nodiscard]] void* take(std::size_t pages) noexcept {
    if (pages > kMaxPages) return nullptr;
    Block*& bin = bins_[pages];
    Block* run = bin;
    if (run == nullptr) return nullptr;
    bin = run->next;
    bytes_ -= pages * kPageBytes;
    return run;
  }

  // False: too long, or the cache is full.
  [[nodiscard]] bool put(void* memory, std::size_t pages) noexcept {
    const std::size_t bytes = pages * kPageBytes;
    if (pages > kMaxPages || bytes_ + bytes > kMaxBytes) return false;
    auto* run = static_cast<Block*>(memory);
    run->next = bins_[pages];
    bins_[pages] = run;
    bytes_ += bytes;
    return true;
  }

  // Takes any run, or nullptr when the cache is empty.
  [[nodiscard]] void* take_any() noexcept {
    if (bytes_ == 0) return nullptr;
    for (std::size_t pages = 1; pages <= kMaxPages; ++pages)
      if (void* run = take(pages); run != nullptr) return run;
    return nullptr;
  }

  void forget() noexcept {
    bins_.fill(nullptr);
    bytes_ = 0;
  }

 private:
  std::size_t bytes_ = 0;
  std::array<Block*, kMaxPages + 1> bins_{};
};

}  // namespace luna
