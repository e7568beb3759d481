// SPDX-License-Identifier: MIT
// The one lock: a futex, so that a waiting real-time thread lets the holder run.
#pragma once

#include <atomic>
#include <cstdint>

namespace luna::os {

// A thread that forks holds locks from prepare to parent or child, and passes through all
// of them meanwhile: fork handlers registered before ours run while ours hold, and they may
// allocate. A lock that is not held then is one that nobody takes without one that is.
// See preload/fork.cpp.
//
// Threads: any. Not recursive but for that one case.
class Lock {
 public:
  void lock() noexcept {
    // Also one that nobody holds: unlock() could not tell it from those that fork() holds.
    if (forking_thread_.load(std::memory_order_relaxed) != 0 && this_thread_forks()) return;
    if (!try_lock()) [[unlikely]]
      wait();
  }

  [[nodiscard]] bool try_lock() noexcept {
    std::uint32_t expected = kFree;
    // pairs with the release in unlock()
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

  void unlock() noexcept {
    if (forking_thread_.load(std::memory_order_relaxed) != 0 && this_thread_forks()) return;
    // pairs with the acquire in lock(), try_lock() and wait()
    if (state_.exchange(kFree, std::memory_order_release) == kContended) wake();
  }

  // In the child of a fork only its one thread is left: whoever waited is gone.
  void reset_in_child() noexcept { state_.store(kFree, std::memory_order_relaxed); }

  // Between these two calls the calling thread passes through every lock.
  static void begin_fork() noexcept;
  static void end_fork() noexcept;

 private:
  static constexpr std::uint32_t kFree = 0;
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kContended = 2;

  void wait() noexcept;
  void wake() noexcept;
  [[nodiscard]] static bool this_thread_forks() noexcept;

  std::atomic<std::uint32_t> state_{kFree};

  // Thread pointer of the thread inside fork(), or 0. Process-wide, because
  // fork is; the sole static state of the core.
  static inline constinit std::atomic<std::uintptr_t> forking_thread_{0};
};

class ScopedLock {
 public:
  explicit ScopedLock(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
  ~ScopedLock() { lock_.unlock(); }

  ScopedLock(const ScopedLock&) = delete;
  ScopedLock& operator=(const ScopedLock&) = delete;

 private:
  Lock& lock_;
};

}  // namespace luna::os
