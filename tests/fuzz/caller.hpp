// SPDX-License-Identifier: MIT
// What a thread may ask for by the names of lunalloc/heap.h.
#pragma once

#include "fuzz/input.hpp"
#include "support/heap_caller.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace luna::fuzz {

class Caller : public test::HeapCaller {
 public:
  using HeapCaller::HeapCaller;

  // As luna_heap_malloc() and its like. `heap` is nullptr: of the first allocator. `allocate` takes
  // a heap and the thread's part of it.
  template <typename Allocate>
  [[nodiscard]] void* allocate(NamedHeap* heap, Allocate allocate) {
    if (heap == nullptr) return allocate(first(), own());
    ThreadHeap* part = heaps().part_of(parts(), *heap);
    must(part != nullptr, "a thread gets its part of a heap");
    void* block = allocate(*heap, *part);
    if (block != nullptr || !heap->is_open()) return block;
    heap->make_room(*part);
    block = allocate(*heap, *part);
    if (block == nullptr) heap->deny();
    return block;
  }
  [[nodiscard]] void* allocate(NamedHeap* heap, std::size_t bytes) {
    return allocate(heap, [&](auto& from, ThreadHeap& part) { return from.allocate(part, bytes); });
  }

  // nullptr: it is as it was. Requires: `bytes` > 0.
  [[nodiscard]] void* reallocate(void* block, std::size_t bytes) {
    if (first().fits(block, bytes)) return block;
    NamedHeap* heap = heaps().of(block);
    const std::size_t old_bytes = first().usable_bytes(block);
    if (heap != nullptr && !heap->is_open()) return bytes <= old_bytes ? block : nullptr;
    void* resized = heap == nullptr ? first().resize(&own(), block, bytes)
                                    : heap->resize(parts().at(heap->number()), block, bytes);
    if (resized != nullptr) return resized;
    resized = allocate(heap, bytes);
    if (resized == nullptr) return bytes <= old_bytes ? block : nullptr;
    std::memcpy(resized, block, std::min(bytes, old_bytes));
    deallocate(block);
    return resized;
  }

  // As luna_block_transfer(); nullptr: it is where it was. Requires: it can be read.
  [[nodiscard]] void* transfer(void* block, NamedHeap* to) {
    if (heaps().of(block) == to) return block;
    const std::size_t bytes = first().usable_bytes(block);
    if (to != nullptr) must(heaps().part_of(parts(), *to) != nullptr, "there is memory for a part");
    void* moved = to == nullptr || to->is_open() ? heaps().move(parts(), block, to) : nullptr;
    if (moved != nullptr) return moved;
    moved = allocate(to, bytes);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, bytes);
    deallocate(block);
    return moved;
  }

  // So that nothing that it freed is on its way.
  void publish() {
    own().publish_remote();
    heaps().for_each([this](NamedHeap& heap) {
      if (ThreadHeap* part = parts().at(heap.number()); part != nullptr && heap.is_open())
        part->publish_remote();
    });
  }

  void verify() {
    own().verify();
    heaps().for_each([this](NamedHeap& heap) {
      if (const ThreadHeap* part = parts().at(heap.number()); part != nullptr && heap.is_open())
        part->verify();
    });
  }
};

}  // namespace luna::fuzz
