// SPDX-License-Identifier: MIT
// Memory that is kept for the time after a refusal, so that the program's way out of the error
// may allocate: pages of the heap, committed and touched, that nobody else has meanwhile.
#pragma once

#include "heap/allocator.hpp"

#include <atomic>
#include <cstddef>

namespace luna {

// No lock of its own, so that there is nothing to do in a fork.
//
// Threads: any.
class Reserve {
 public:
  explicit constexpr Reserve(Allocator& allocator) noexcept : allocator_(allocator) {}

  Reserve(const Reserve&) = delete;
  Reserve& operator=(const Reserve&) = delete;

  // How much there shall be from now on; what is there of another size goes back. 0: none.
  void set_size(std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  [[nodiscard]] bool is_missing() const noexcept {
    return size() != 0 && memory_.load(std::memory_order_relaxed) == nullptr;
  }

  // Takes it, unless it is there. False: the kernel or the hard limit refuses.
  bool fill() noexcept;

  // Gives it up to the heap, whose free pages serve whoever comes next. False: there was none.
  bool give_up() noexcept;

 private:
  Allocator& allocator_;
  std::atomic<std::size_t> bytes_{0};
  std::atomic<void*> memory_{nullptr};
};

}  // namespace luna
