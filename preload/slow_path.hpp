// SPDX-License-Identifier: MIT
// Marks a thread as being behind the fast paths, for signal handlers that interrupt it there
// and allocate: what they want is served by preload/handler_calls.cpp. docs/adr/0020.
#pragma once

#include "os/protection_keys.hpp"
#include "preload/process.hpp"

#include <atomic>

namespace luna {

extern constinit os::ProtectionKeys protection_keys;

// One in every function that is called from outside and changes what handlers must not find
// half done, or takes a lock. While the first of a thread lives its cache is put aside, so that the
// fast paths of its handlers find no blocks and no slabs, and come by too. And the thread, or the
// handler, has the rights to write into free blocks of heaps that are closed to it.
//
// Threads: the caller's. Not where the program's own code is called: what it allocates there
// would not come from the heap.
class SlowPath {
 public:
  SlowPath() noexcept : entered_(thread_state.aside == nullptr) {
    if (entered_) [[likely]]
      cache_ = enter();
  }
  ~SlowPath() {
    if (!entered_) [[unlikely]]
      return;
    leave();
    if (thread_state.deferred.load(std::memory_order_relaxed) != nullptr) [[unlikely]]
      free_deferred();
  }

  SlowPath(const SlowPath&) = delete;
  SlowPath& operator=(const SlowPath&) = delete;

  // False: the caller is a signal handler that has interrupted one of these, and must touch
  // nothing but what is free of locks.
  [[nodiscard]] bool entered() const noexcept { return entered_; }

  // The heap that the thread had when it entered, or nullptr.
  [[nodiscard]] ThreadHeap* heap() const noexcept { return heap_of(cache_); }

 private:
  friend class OutOfSlowPath;

  // A handler may come between any two of these steps. From the first on it cannot give the
  // thread another cache; while this one is in both places it may use it, for nobody else does.
  static ThreadCache* enter() noexcept {
    thread_state.aside = &no_cache;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    ThreadCache* cache = thread_state.cache;
    thread_state.aside = cache;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_state.cache = &no_cache;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return cache;
  }
  static void leave() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_state.cache = thread_state.aside;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_state.aside = nullptr;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  [[gnu::cold, gnu::noinline]] static void free_deferred() noexcept;

  const os::AllRights rights_{protection_keys};
  const bool entered_;
  ThreadCache* cache_ = &no_cache;
};

// The reverse, around a call of the C library that may allocate for good: that shall come from
// the heap. Requires: the caller is in a slow path, and holds no lock that allocations take.
class OutOfSlowPath {
 public:
  OutOfSlowPath() noexcept { SlowPath::leave(); }
  ~OutOfSlowPath() { SlowPath::enter(); }

  OutOfSlowPath(const OutOfSlowPath&) = delete;
  OutOfSlowPath& operator=(const OutOfSlowPath&) = delete;
};

}  // namespace luna
