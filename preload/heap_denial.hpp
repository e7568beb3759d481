// SPDX-License-Identifier: MIT
// What a named heap has to say when a limit does not permit something: docs/heaps.md, "When a
// limit is met".
#pragma once

#include <cstddef>

namespace luna {

class NamedHeap;

// Does what the options of the heap say of a denial. True: try again. Requires: no lock is held,
// and the thread is in no SlowPath.
[[nodiscard]] bool asks_again(NamedHeap& heap, std::size_t bytes) noexcept;

// Calls on_soft_limit, if that is due. Requires: as above.
void tell_if_large(NamedHeap& heap) noexcept;

// One for each request of a pool that its heap does not serve; see Refusal for those of none. To be
// used in a slow path, where no lock is held.
//
// Threads: the caller's.
class ChunkDenial {
 public:
  // Takes back what is free in the heap, and the next time asks it. True: try again.
  [[nodiscard]] bool eases(NamedHeap& heap, std::size_t bytes) noexcept;

 private:
  bool has_made_room_ = false;
};

}  // namespace luna
