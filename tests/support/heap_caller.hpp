// SPDX-License-Identifier: MIT
// A thread as preload/ has one: a heap of its own, which its parts of named heaps follow.
#pragma once

#include "heap/named_heaps.hpp"

namespace luna::test {

class HeapCaller {
 public:
  HeapCaller(Allocator& first, NamedHeaps& heaps)
      : first_(first), heaps_(heaps), own_(*first.attach()), parts_(*heaps.attach(&own_)) {}
  ~HeapCaller() {
    heaps_.detach(parts_);
    first_.park(own_);
  }
  HeapCaller(const HeapCaller&) = delete;
  HeapCaller& operator=(const HeapCaller&) = delete;

  [[nodiscard]] Allocator& first() { return first_; }
  [[nodiscard]] NamedHeaps& heaps() { return heaps_; }
  [[nodiscard]] ThreadHeap& own() { return own_; }
  [[nodiscard]] ThreadParts& parts() { return parts_; }

  [[nodiscard]] void* allocate(NamedHeap& heap, std::size_t bytes) {
    return heap.allocate(*heaps_.part_of(parts_, heap), bytes);
  }
  // As free() does. True: on the fast path.
  bool deallocate(void* block) {
    if (own_.try_deallocate(block)) return true;
    if (first_.deallocate(&own_, block) == Verdict::kOther) heaps_.deallocate(parts_, block);
    return false;
  }

 private:
  Allocator& first_;
  NamedHeaps& heaps_;
  ThreadHeap& own_;
  ThreadParts& parts_;
};

}  // namespace luna::test
