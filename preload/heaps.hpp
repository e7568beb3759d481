// SPDX-License-Identifier: MIT
// The named heaps of the process: what malloc and free have to do with them.
#pragma once

#include "heap/named_heaps.hpp"

#include <lunalloc/heap.h>

#include <cstddef>

namespace luna {

extern constinit NamedHeaps named_heaps;

// What the program knows it by.
[[nodiscard]] inline luna_heap* public_name(NamedHeap* heap) noexcept {
  return reinterpret_cast<luna_heap*>(heap);
}

// What the thread allocates while it has entered a heap. nullptr: no memory; errno is the
// caller's to set.
[[nodiscard]] void* allocate_entered(std::size_t bytes) noexcept;
[[nodiscard]] void* allocate_zeroed_entered(std::size_t bytes) noexcept;
[[nodiscard]] void* allocate_aligned_entered(std::size_t alignment, std::size_t bytes) noexcept;

// What the calling thread has, for a block that leaves its heap; no_parts: nothing, nor memory for
// it. Requires: the thread is in a SlowPath.
[[nodiscard]] ThreadParts& parts_for_frees() noexcept;

// Frees a block of a named heap. Requires: the thread is in a SlowPath.
void deallocate_named(void* pointer) noexcept;

// realloc of such a block: it stays in its heap.
[[nodiscard]] void* reallocate_named(NamedHeap& heap, void* pointer, std::size_t bytes) noexcept;

// A place in a heap for a block of another one; nullptr: its pages are not to be taken. Without its
// pages: the caller copies it.
struct Place {
  void* memory = nullptr;
  bool has_pages = false;  // of the block, which is no more where it was
};
[[nodiscard]] Place place_in(NamedHeap& heap, void* pointer, std::size_t bytes) noexcept;

[[nodiscard]] bool is_valid(const luna_heap_options& options) noexcept;

// Has those told on stderr who touch what is closed to them. False: the kernel refuses.
[[nodiscard]] bool watch_heaps() noexcept;

// Gives the calling thread all rights to a new heap. Requires: it is in no SlowPath, whose end
// gives back the rights that were.
void begin_key(const NamedHeap& heap) noexcept;

// While it lives, the thread allocates from the heap of all: around what the C library, or we
// ourselves, allocate for good. In a SlowPath, where nothing comes from a heap anyway, it does
// nothing.
class OutOfHeaps {
 public:
  OutOfHeaps() noexcept;
  ~OutOfHeaps();

  OutOfHeaps(const OutOfHeaps&) = delete;
  OutOfHeaps& operator=(const OutOfHeaps&) = delete;

 private:
  luna_heap* const entered_;
};

// The thread ends. Requires: it is in a SlowPath.
void leave_named_heaps() noexcept;

// Returns the bytes given back. Requires: the thread is in a SlowPath.
std::size_t trim_named_heaps() noexcept;

}  // namespace luna
