// SPDX-License-Identifier: MIT
// Large blocks that go from one heap to another with their pages.
#include "base/align.hpp"
#include "heap/allocator.hpp"
#include "heap/block_lookup.hpp"
#include "heap/named_heaps.hpp"

namespace luna {

void* Allocator::hand_over(void* pointer, Allocator& to) noexcept {
  const auto* slot = reinterpret_cast<const Slab*>(window_.slot_of(pointer));
  const Region* region = window_.region_of(pointer);
  if (region == nullptr || region->pages != &pages_ || slot->is_slab()) return nullptr;
  const std::size_t pages = pages_of_block(*region, pointer, Request::kResize);
  if (pages <= kPagesPerRegion) return nullptr;
  if (samples_.own(*slot)) return hand_over_sample(pointer, pages, to);
  return pages_.move(pointer, pages, to.pages_);
}

// As resize_sample(): the sample goes by an address that no block has.
void* Allocator::hand_over_sample(void* pointer, std::size_t pages, Allocator& to) noexcept {
  if (to.samples_.thread_heap() == nullptr) return nullptr;
  const SampleObserver& observer = samples_.observer();
  void* on_its_way = static_cast<std::byte*>(pointer) + 1;
  observer.moved(observer.context, pointer, on_its_way);
  disown_run(window_, pointer);
  void* memory = pages_.move(pointer, pages, to.pages_);
  Allocator& owner = memory != nullptr ? to : *this;
  void* arrived = memory != nullptr ? memory : pointer;
  owner.samples_.own_run(*reinterpret_cast<Slab*>(window_.slot_of(arrived)));
  observer.moved(observer.context, on_its_way, arrived);
  owner.note_resized_sample(arrived, pages * kPageBytes);
  return memory;
}

// Pages keep the key that they carry, or carry none: a heap with one takes copies.
void* NamedHeap::take_over(void* pointer, Allocator& from) noexcept {
  if (!is_open() || key_ != os::ProtectionKeys::kNoKey) return nullptr;
  const std::size_t bytes = has(LUNA_HEAP_EXACT) ? from.usable_bytes(pointer) : 0;
  if (bytes != 0 && !quota_.claim(bytes)) return nullptr;
  void* block = from.hand_over(pointer, allocator_);
  if (block == nullptr) {
    quota_.release(bytes);
    return nullptr;
  }
  exact_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  note_allocation(SIZE_MAX);
  if (reserve_is_open_.load(std::memory_order_relaxed)) close_reserve();
  return block;
}

// Pages of a protected heap would arrive protected, and those of a key with it. What is wiped
// elsewhere needs no wiping here: nothing is left behind.
void* NamedHeap::hand_over(void* pointer, NamedHeap* to, Allocator& first) noexcept {
  if (!is_open() || key_ != os::ProtectionKeys::kNoKey) return nullptr;
  const std::size_t bytes = has(LUNA_HEAP_EXACT) ? allocator_.usable_bytes(pointer) : 0;
  void* block =
      to != nullptr ? to->take_over(pointer, allocator_) : allocator_.hand_over(pointer, first);
  if (block == nullptr) return nullptr;
  exact_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  quota_.release(bytes);
  return block;
}

void* NamedHeaps::move(ThreadParts& parts, void* pointer, NamedHeap* to) noexcept {
  NamedHeap* from = of(pointer);
  if (from == nullptr) return to != nullptr ? to->take_over(pointer, first_) : nullptr;
  if (&parts == &no_parts) return nullptr;
  void* block = nullptr;
  parts.begin(*from);
  if (from->is_alive() && of(pointer) == from) block = from->hand_over(pointer, to, first_);
  parts.end();
  return block;
}

}  // namespace luna
