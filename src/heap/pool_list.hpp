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

  // A pool whose record is a run of the page heap's too. nullptr: memory is refused, and so says
  // eases(), as in Pool::allocate(). Requires: the options are sound.
  template <typename Eases = NoEasing>
  [[nodiscard]] Pool* create(PageHeap& pages, std::string_view name, const PoolOptions& options,
                             Eases eases = {}) noexcept {
    forget_gone(pages);
    Pool* pool = make(pages, name, options);
    while (pool == nullptr && eases()) pool = make(pages, name, options);
    if (pool == nullptr) return nullptr;
    while (!pool->begin()) {
      if (eases()) continue;
      unmake(pages, *pool);
      return nullptr;
    }
    os::ScopedLock guard(lock_);
    pools_.push_front(pool);
    return pool;
  }

  // Gives all of it back, its blocks too; of one that is gone there is nothing left. Requires: no
  // other thread uses the pool, and the page heap is that of create().
  void destroy(PageHeap& pages, Pool& pool) noexcept;

  // Ends those whose chunks are of a heap that is about to end. Their records stay for a second,
  // and until a pool is made after that: so long a block may be freed as if nothing had been.
  void end_those_of(const NamedHeap& heap) noexcept;

  // The pool with a chunk an address lies in, or nullptr. Slow: asks each.
  [[nodiscard]] Pool* find(const void* pointer) noexcept;

  // Has those that may be reclaimed from give empty chunks to their page heaps: all, or those of a
  // heap. The page heap is that of create().
  void trim(PageHeap& pages) noexcept;
  void trim_those_of(const NamedHeap& heap) noexcept;

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
  [[nodiscard]] static Pool* make(PageHeap& pages, std::string_view name,
                                  const PoolOptions& options) noexcept;
  static void unmake(PageHeap& pages, Pool& pool) noexcept;
  void forget_gone(PageHeap& pages) noexcept;

  // A record does not start its run, so that free() of a pool is reported.
  static constexpr std::size_t kLeadBytes = 64;

  os::Lock lock_;
  List<Pool> pools_;
  List<Pool> gone_;  // the oldest first
};

}  // namespace luna
