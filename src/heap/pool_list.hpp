// SPDX-License-Identifier: MIT
// All pools of a process: where they are made and ended, found by an address, and told of.
#pragma once

#include "base/list.hpp"
#include "heap/pool.hpp"
#include "os/lock.hpp"

#include <cstddef>
#include <string_view>

namespace luna {

// Threads: any, but for resume_child(). Its lock is taken before those of pools, and those before
// that of the page heap.
class PoolList {
 public:
  constexpr PoolList() noexcept = default;
  PoolList(const PoolList&) = delete;
  PoolList& operator=(const PoolList&) = delete;

  // A pool whose record is a run of the page heap's too. nullptr: the kernel refuses memory.
  // Requires: the options are sound.
  [[nodiscard]] Pool* create(PageHeap& pages, std::string_view name,
                             const PoolOptions& options) noexcept;

  // Gives all of it back, its blocks too. Requires: no other thread uses the pool, and the page
  // heap is that of create().
  void destroy(PageHeap& pages, Pool& pool) noexcept;

  // The pool with a chunk an address lies in, or nullptr. Slow: asks each.
  [[nodiscard]] Pool* find(const void* pointer) noexcept;

  // Calls visit(Pool&) for each, the newest first, under the lock.
  template <typename Visit>
  void for_each(Visit visit) noexcept {
    os::ScopedLock guard(lock_);
    for (Pool* pool = pools_.first(); pool != nullptr; pool = pool->next) visit(*pool);
  }

  // fork(): hold everything, let go, or start anew in the child.
  void prepare_fork() noexcept;
  void resume_parent() noexcept;
  void resume_child() noexcept;

 private:
  // A record does not start its run, so that free() of a pool is reported.
  static constexpr std::size_t kLeadBytes = 64;

  os::Lock lock_;
  List<Pool> pools_;
};

}  // namespace luna
