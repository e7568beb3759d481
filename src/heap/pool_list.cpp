// SPDX-License-Identifier: MIT
#include "heap/pool_list.hpp"

#include <new>

namespace luna {

Pool* PoolList::create(PageHeap& pages, std::string_view name,
                       const PoolOptions& options) noexcept {
  void* memory = pages.take(pages_for(kLeadBytes + sizeof(Pool)), 1, false);
  if (memory == nullptr) return nullptr;
  auto* pool = ::new (static_cast<std::byte*>(memory) + kLeadBytes) Pool(pages, name, options);
  if (!pool->begin()) {
    pool->~Pool();
    pages.put(memory);
    return nullptr;
  }
  os::ScopedLock guard(lock_);
  pools_.push_front(pool);
  return pool;
}

void PoolList::destroy(PageHeap& pages, Pool& pool) noexcept {
  {
    os::ScopedLock guard(lock_);
    pools_.remove(&pool);
  }
  pool.~Pool();
  pages.put(reinterpret_cast<std::byte*>(&pool) - kLeadBytes);
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
}

void PoolList::resume_parent() noexcept {
  for (Pool* pool = pools_.first(); pool != nullptr; pool = pool->next) pool->resume_parent();
  lock_.unlock();
}

void PoolList::resume_child() noexcept {
  for (Pool* pool = pools_.first(); pool != nullptr; pool = pool->next) pool->resume_child();
  lock_.reset_in_child();
}

}  // namespace luna
