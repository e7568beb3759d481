// SPDX-License-Identifier: MIT
#include "heap/pool_list.hpp"

#include "os/clock.hpp"

#include <cstdint>
#include <new>

namespace luna {

namespace {

// As long as addresses of a heap that is gone rest.
constexpr std::uint64_t kGoneMs = 1000;

// What it did not give back at once: blocks that were freed where no lock may be taken, too.
void reclaim(Pool& pool) noexcept {
  if (pool.options().reclaim_on_purge || pool.options().reclaim_on_free) pool.trim();
}

}  // namespace

Pool* PoolList::make(PageHeap& pages, std::string_view name, const PoolOptions& options) noexcept {
  void* memory = pages.take(pages_for(kLeadBytes + sizeof(Pool)), 1, false);
  if (memory == nullptr) return nullptr;
  return ::new (static_cast<std::byte*>(memory) + kLeadBytes) Pool(pages, name, options);
}

void PoolList::unmake(PageHeap& pages, Pool& pool) noexcept {
  pool.~Pool();
  pages.put(reinterpret_cast<std::byte*>(&pool) - kLeadBytes);
}

// All under the lock, so that who ends the heap of the pool waits until its chunks are back.
void PoolList::destroy(PageHeap& pages, Pool& pool) noexcept {
  os::ScopedLock guard(lock_);
  if (pool.is_gone()) return;
  pools_.remove(&pool);
  unmake(pages, pool);
}

void PoolList::end_those_of(const NamedHeap& heap) noexcept {
  os::ScopedLock guard(lock_);
  for (Pool* pool = pools_.first(); pool != nullptr;) {
    Pool* next = pool->next;
    if (pool->heap() == &heap) {
      pool->end();
      pool->gone_ms = os::coarse_milliseconds();
      pools_.remove(pool);
      gone_.push_back(pool);
    }
    pool = next;
  }
}

void PoolList::forget_gone(PageHeap& pages) noexcept {
  const std::uint64_t now_ms = os::coarse_milliseconds();
  os::ScopedLock guard(lock_);
  while (Pool* pool = gone_.first()) {
    if (now_ms - pool->gone_ms < kGoneMs) return;
    gone_.remove(pool);
    unmake(pages, *pool);
  }
}

void PoolList::trim(PageHeap& pages) noexcept {
  forget_gone(pages);
  for_each([](Pool& pool) noexcept { reclaim(pool); });
}

void PoolList::trim_those_of(const NamedHeap& heap) noexcept {
  for_each([&](Pool& pool) noexcept {
    if (pool.heap() == &heap) reclaim(pool);
  });
}

Pool* PoolList::find(const void* pointer) noexcept {
  Pool* found = nullptr;
  for_each([&](Pool& pool) noexcept {
    if (found == nullptr && pool.owns(pointer)) found = &pool;
  });
  return found;
}

void PoolList::prepare_fork() noexcept {
  lock_.lock();
  for (Pool* pool = pools_.first(); pool != nullptr; pool = pool->next) pool->prepare_fork();
  for (Pool* pool = gone_.first(); pool != nullptr; pool = pool->next) pool->prepare_fork();
}

void PoolList::resume_parent() noexcept {
  for (Pool* pool = pools_.first(); pool != nullptr; pool = pool->next) pool->resume_parent();
  for (Pool* pool = gone_.first(); pool != nullptr; pool = pool->next) pool->resume_parent();
  lock_.unlock();
}

void PoolList::resume_child() noexcept {
  for (Pool* pool = pools_.first(); pool != nullptr; pool = pool->next) pool->resume_child();
  for (Pool* pool = gone_.first(); pool != nullptr; pool = pool->next) pool->resume_child();
  lock_.reset_in_child();
}

}  // namespace luna
