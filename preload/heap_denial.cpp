// SPDX-License-Identifier: MIT
#include "preload/heap_denial.hpp"

#include "base/check.hpp"
#include "base/format.hpp"
#include "heap/named_heap.hpp"
#include "preload/heaps.hpp"
#include "preload/slow_path.hpp"

#include <array>
#include <cstdlib>

namespace luna {

namespace {

[[noreturn, gnu::cold]] void abort_denied(const NamedHeap& heap, std::size_t bytes) noexcept {
  std::array<char, 256> buffer;
  Text text(buffer.data(), buffer.size());
  text.add("lunalloc: heap \"").add(heap.name()).add("\" is denied ").add_decimal(bytes);
  text.add(" bytes: it uses ").add_decimal(heap.quota().used()).add(" of ");
  text.add_decimal(heap.limit()).add(" bytes\n");
  write_error(text.view());
  std::abort();
}

}  // namespace

bool asks_again(NamedHeap& heap, std::size_t bytes) noexcept {
  const luna_heap_options& options = heap.options();
  if (options.denial == LUNA_HEAP_ABORTS) abort_denied(heap, bytes);
  if (options.denial != LUNA_HEAP_CALLS) return false;
  const OutOfHeaps out;  // what the callback allocates would be denied too
  return options.on_denial(public_name(&heap), bytes, options.context) != 0;
}

void tell_if_large(NamedHeap& heap) noexcept {
  if (!heap.has_become_large() || heap.options().on_soft_limit == nullptr) return;
  const OutOfHeaps out;
  heap.options().on_soft_limit(public_name(&heap), heap.quota().used(), heap.options().context);
}

// The reserve is open for the try after deny(), as for blocks.
bool ChunkDenial::eases(NamedHeap& heap, std::size_t bytes) noexcept {
  if (!heap.is_open()) return false;
  has_made_room_ = !has_made_room_;
  if (has_made_room_) {
    process.pools().trim_those_of(heap);
    heap.allocator().trim(thread_state.parts->at(heap.number()), SIZE_MAX);
    return true;
  }
  heap.deny();
  const OutOfSlowPath out;
  return asks_again(heap, bytes);
}

}  // namespace luna
