// SPDX-License-Identifier: MIT
// What becomes of pointers to guarded samples, which lie outside of the heap: guarded.hpp.
#include "heap/allocator.hpp"

#include <cstring>

namespace luna {

GuardedBlock* Allocator::take_guarded(std::size_t bytes, SizeClass size_class,
                                      std::size_t alignment) noexcept {
  GuardedBlock* block = guarded_.take(bytes, alignment);
  if (block != nullptr) block->class_bytes = block_bytes(size_class);
  return block;
}

// Moves the block, so that old pointers to it show. It stays the sample that it is only where
// another block would have stayed where it lies, for only then nobody draws lots; nullptr: else.
void* Allocator::resize_guarded(void* pointer, std::size_t bytes) noexcept {
  GuardedBlock* block = guarded_.own(pointer) ? guarded_.find(pointer) : nullptr;
  if (block == nullptr || !fits_class(block->class_bytes, bytes)) return nullptr;
  if (!guarded_.claim(*block, pointer)) return nullptr;
  const SizeClass size_class = size_class_of(block->class_bytes);
  GuardedBlock* guarded = guarded_.fits(bytes) ? take_guarded(bytes, size_class, 1) : nullptr;
  void* memory = guarded != nullptr ? guarded->memory : samples_.take(size_class);
  if (memory == nullptr) {
    guarded_.unclaim(*block);
    return nullptr;
  }
  std::memcpy(memory, pointer, bytes < block->bytes ? bytes : block->bytes);
  const SampleObserver& observer = samples_.observer();
  observer.moved(observer.context, pointer, memory);
  // It has the room that it had, so it stays a sample.
  static_cast<void>(observer.resized(
      observer.context, {memory, asked(bytes), block->class_bytes, samples_.interval()}));
  if (guarded != nullptr) guarded_.publish(*guarded);
  guarded_.put(*block);
  return memory;
}

// Requires: the pointer is in no region.
Verdict Allocator::deallocate_guarded(void* pointer) noexcept {
  if (!guarded_.own(pointer)) return Verdict::kForeign;
  GuardedBlock* block = guarded_.find(pointer);
  if (block == nullptr) return Verdict::kForeign;
  if (const NamedHeap* heap = block->heap.load(std::memory_order_relaxed); heap != nullptr)
    return heap == GuardedBlock::ended_heap() ? Verdict::kDone : Verdict::kOther;
  if (guarded_.claim(*block, pointer)) {
    forget_sample(pointer);
    guarded_.put(*block);
  } else {
    guarded_.report_free(*block, pointer);
  }
  return Verdict::kDone;
}

// The same. A block that was freed, or an interior pointer, is reported; if the program goes
// on, with what is left of the block.
std::size_t Allocator::usable_bytes_of_guarded(const void* pointer) const noexcept {
  if (!guarded_.own(pointer)) return 0;
  const GuardedBlock* block = guarded_.find(pointer);
  if (block == nullptr) return 0;
  const std::uintptr_t address = address_of(pointer);
  const std::size_t offset = address - address_of(block->memory);
  if (block->is_freed()) {
    guarded_.report({MistakeKind::kResizeOfFreed, block, address});
    guarded_.open(address_of(block->memory));  // realloc will copy from there
  } else if (offset != 0) {
    guarded_.report({MistakeKind::kInteriorResize, block, address});
  }
  return offset < block->bytes ? block->bytes - offset : 1;
}

}  // namespace luna
