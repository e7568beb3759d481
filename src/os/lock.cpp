// SPDX-License-Identifier: MIT
#include "os/lock.hpp"

#include "os/system_call.hpp"

#include <linux/futex.h>

namespace luna::os {

namespace {

// Rounds of trying before sleeping: longer than the page heap is ever held
// without a system call.
constexpr int kSpins = 100;

[[nodiscard]] std::uintptr_t thread_token() noexcept {
  return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

inline void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  asm volatile("yield");
#endif
}

}  // namespace

void Lock::begin_fork() noexcept {
  forking_thread_.store(thread_token(), std::memory_order_relaxed);
}

void Lock::end_fork() noexcept { forking_thread_.store(0, std::memory_order_relaxed); }

bool Lock::this_thread_forks() noexcept {
  return forking_thread_.load(std::memory_order_relaxed) == thread_token();
}

void Lock::wait() noexcept {
  for (int i = 0; i < kSpins; ++i) {
    if (state_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
    relax();
  }
  // pairs with the release in unlock()
  while (state_.exchange(kContended, std::memory_order_acquire) != kFree)
    system_call(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kContended, nullptr, nullptr, 0);
}

void Lock::wake() noexcept {
  system_call(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace luna::os
