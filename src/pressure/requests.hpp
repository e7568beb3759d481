// SPDX-License-Identifier: MIT
// How threads that were refused memory wait, for a bounded time, until the subscribers of memory
// pressure were called for it on another thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace luna {

// Nothing is left behind by a thread that a fork leaves out of the child.
//
// Threads: any.
class PressureRequests {
 public:
  // A thread was refused. Its number, for is_answered().
  [[nodiscard]] std::uint32_t add() noexcept {
    return added_.fetch_add(1, std::memory_order_release) + 1;  // pairs with count()
  }

  // For who tells the subscribers: to be read before it looks at the pressure.
  [[nodiscard]] std::uint32_t count() const noexcept {
    return added_.load(std::memory_order_acquire);  // pairs with add()
  }

  // Everybody was called whom those up to `number` concern.
  void answer(std::uint32_t number) noexcept;

  [[nodiscard]] bool is_answered(std::uint32_t number) const noexcept {
    // pairs with answer()
    return static_cast<std::int32_t>(answered_.load(std::memory_order_acquire) - number) >= 0;
  }

  // False: they were not called within so long. To be called where no lock is held.
  [[nodiscard]] bool wait(std::uint32_t number, std::uint64_t milliseconds) const noexcept;

 private:
  std::atomic<std::uint32_t> added_{0};
  std::atomic<std::uint32_t> answered_{0};
};

}  // namespace luna
