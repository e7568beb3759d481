// SPDX-License-Identifier: MIT
// What is done when an allocation was refused, by the kernel or at the hard limit, before the
// program is told: docs/pressure.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

class ThreadHeap;

// One for each request that was refused; no cost where none is. To be used in a slow path, where
// no lock is held.
//
// Threads: the caller's.
class Refusal {
 public:
  explicit Refusal(std::size_t bytes) noexcept : bytes_(bytes) {}

  // Does what is next. True: the request may succeed now, if there is one more try. `heap` is
  // the thread's, or nullptr. At the last one, which is false, it ends the process if the
  // options say so.
  [[nodiscard]] bool eases(ThreadHeap* heap) noexcept;

 private:
  [[nodiscard]] bool begin() const noexcept;
  [[nodiscard]] bool may_wait() const noexcept;
  [[nodiscard]] bool exceeds_hard_limit() const noexcept;
  void ask(std::uint64_t wait_ms) const noexcept;
  void deny() const noexcept;
  void heed_limit() const noexcept;

  std::size_t bytes_;
  std::size_t turn_ = 0;
  std::uint64_t now_ms_ = 0;
};

// Fills the reserve if it was given up and the pressure is over. To be called in a slow path, where
// no lock is held. Reads files if there is something to do, at most once a second.
void restore_reserve() noexcept;

}  // namespace luna
