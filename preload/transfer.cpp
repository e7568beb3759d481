// SPDX-License-Identifier: MIT
// luna_block_transfer() of heap.h.
#include "preload/entry.hpp"
#include "preload/heaps.hpp"
#include "preload/slow_path.hpp"

#include <lunalloc/heap.h>

#include <cerrno>
#include <cstring>

namespace luna {

namespace {

[[nodiscard]] Place place_in_heap_of_all(void* pointer, std::size_t bytes) noexcept {
  if (entry::kTakesPages) {
    const SlowPath path;
    void* moved = path.entered() ? named_heaps.move(parts_for_frees(), pointer, nullptr) : nullptr;
    if (moved != nullptr) return {moved, true};
  }
  return {entry::allocate_of_all(bytes), false};
}

// Nor does a block of the heap of all leave it with its pages there: what its end takes of them
// would become the program's, and more with each time that it comes back.
[[nodiscard]] Place place_for(NamedHeap* heap, void* pointer, std::size_t bytes) noexcept {
  if (heap == nullptr) return place_in_heap_of_all(pointer, bytes);
  const bool has_end = !entry::kTakesPages && named_heaps.of(pointer) == nullptr;
  return place_in(*heap, has_end ? nullptr : pointer, bytes);
}

}  // namespace

}  // namespace luna

using luna::NamedHeap;

extern "C" [[gnu::visibility("default")]] int luna_block_transfer(void** pointer, luna_heap* to,
                                                                  luna_transfer* how) {
  if (pointer == nullptr || *pointer == nullptr) return EINVAL;
  if (luna::process.allocator().usable_bytes(*pointer) == 0) return EINVAL;
  const size_t bytes = luna::entry::usable_bytes(*pointer);
  luna_transfer way = LUNA_TRANSFER_NONE;
  auto* heap = reinterpret_cast<NamedHeap*>(to);
  if (const NamedHeap* from = luna::named_heaps.of(*pointer); from != heap) {
    if (from != nullptr && !from->is_readable_here()) return EACCES;
    const luna::Place place = luna::place_for(heap, *pointer, bytes);
    if (place.memory == nullptr) return heap != nullptr && !heap->is_open_here() ? EACCES : ENOMEM;
    if (!place.has_pages) {
      std::memcpy(place.memory, *pointer, bytes);
      luna::entry::free(*pointer);
    }
    *pointer = place.memory;
    way = place.has_pages ? LUNA_TRANSFER_MOVED : LUNA_TRANSFER_COPIED;
  }
  if (how != nullptr) *how = way;
  return 0;
}
