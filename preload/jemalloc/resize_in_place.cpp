// SPDX-License-Identifier: MIT
#include "preload/jemalloc/resize_in_place.hpp"

#include "heap/block_lookup.hpp"
#include "preload/process.hpp"
#include "preload/slow_path.hpp"

namespace luna::jemalloc {

namespace {

[[nodiscard]] std::size_t capped(std::size_t bytes) noexcept {
  return bytes < kMaxBlockBytes ? bytes : kMaxBlockBytes;
}

[[nodiscard]] bool can_change(Allocator& allocator, const void* pointer) noexcept {
  const auto* slot = reinterpret_cast<const Slab*>(allocator.window().slot_of(pointer));
  return slot != nullptr && !slot->is_slab() && !allocator.samples().own(*slot) &&
         allocator.samples().interval() == 0 && allocator.window().region_of(pointer) != nullptr;
}

}  // namespace

void resize_in_place(void* pointer, std::size_t bytes, std::size_t extra) noexcept {
  if (bytes > kMaxBlockBytes || bytes <= kMaxSmallBytes) return;
  const SlowPath path;
  Allocator& allocator = process.allocator();
  if (!path.entered() || !can_change(allocator, pointer)) return;
  const std::size_t least = pages_for(bytes);
  const std::size_t most = pages_for(capped(bytes + capped(extra)));
  const std::size_t now = allocator.usable_bytes(pointer) / kPageBytes;
  if (now >= least && now <= most) return;
  bool changed = most > now && allocator.pages().resize(pointer, most);
  if (!changed) changed = allocator.pages().resize(pointer, least);
  // The list that it will go to when it is freed is another one now.
  if (changed) disown_run(allocator.window(), pointer);
}

}  // namespace luna::jemalloc
