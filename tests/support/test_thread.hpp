// SPDX-License-Identifier: MIT
// A thread as the core sees one: a cache and what the malloc family does with
// it. Several may live in one real thread, so that a test needs no real ones.
#pragma once

#include "heap/allocator.hpp"
#include "support/release_window.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace luna::test {

// An allocator that gives its address space back. Requires: its threads end first.
struct TestAllocator : Allocator {
  TestAllocator() = default;
  ~TestAllocator() { release_window(window()); }
  TestAllocator(const TestAllocator&) = delete;
  TestAllocator& operator=(const TestAllocator&) = delete;
};

// Attached from its making; its heap is parked when it ends.
//
// Threads: one at a time.
class TestThread {
 public:
  explicit TestThread(Allocator& allocator) : allocator_(allocator) { attach(); }
  ~TestThread() {
    if (attached()) park();
  }

  TestThread(const TestThread&) = delete;
  TestThread& operator=(const TestThread&) = delete;

  void attach() {
    cache_ = allocator_.attach();
    if (cache_ == nullptr) std::abort();
  }
  void park() {
    ThreadHeap& parked = heap();
    forget();
    allocator_.park(parked);
  }
  [[nodiscard]] bool attached() const { return cache_ != &no_cache; }

  // Leaves the heap as it is: in a child of a fork its thread is no more.
  void forget() { cache_ = &no_cache; }

  [[nodiscard]] void* allocate(std::size_t bytes) {
    if (void* block = cache_->try_allocate(bytes); block != nullptr) return block;
    return allocator_.allocate(heap(), bytes);
  }

  [[nodiscard]] void* allocate_zeroed(std::size_t bytes) {
    return allocator_.allocate_zeroed(heap(), bytes);
  }

  [[nodiscard]] void* allocate_aligned(std::size_t alignment, std::size_t bytes) {
    return allocator_.allocate_aligned(heap(), alignment, bytes);
  }

  Verdict deallocate(void* pointer) {
    if (cache_->try_deallocate(pointer)) return Verdict::kDone;
    return allocator_.deallocate(heap_of(cache_), pointer);
  }

  // As realloc() of a block of ours; nullptr leaves the block as it was.
  [[nodiscard]] void* reallocate(void* pointer, std::size_t bytes) {
    if (void* block = allocator_.resize(heap_of(cache_), pointer, bytes); block != nullptr)
      return block;
    const std::size_t old_bytes = allocator_.usable_bytes(pointer);
    void* block = allocate(bytes);
    if (block == nullptr) return nullptr;
    std::memcpy(block, pointer, bytes < old_bytes ? bytes : old_bytes);
    deallocate(pointer);
    return block;
  }

  std::size_t trim(std::size_t keep_bytes = 0) {
    return allocator_.trim(heap_of(cache_), keep_bytes);
  }

  // Makes sure that what this thread freed of others has arrived there.
  void publish() { heap().publish_remote(); }

  [[nodiscard]] ThreadCache& cache() { return *cache_; }
  [[nodiscard]] ThreadHeap& heap() { return *heap_of(cache_); }

 private:
  Allocator& allocator_;
  ThreadCache* cache_ = &no_cache;
};

}  // namespace luna::test
