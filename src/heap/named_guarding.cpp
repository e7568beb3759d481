// SPDX-License-Identifier: MIT
// Blocks of named heaps that lie in the guarded slots of the process: guarded.hpp.
#include "base/align.hpp"
#include "base/wipe.hpp"
#include "heap/named_heap.hpp"
#include "os/memory.hpp"

namespace luna {

// Each counts with the page that it has for itself. nullptr: it shall lie elsewhere.
void* NamedHeap::take_guarded(std::size_t bytes, std::size_t alignment) noexcept {
  if (!has(LUNA_HEAP_GUARDS) || bytes == 0) return nullptr;
  if (!guarded_.fits(bytes) || !guarded_.fits(alignment)) return nullptr;
  const std::size_t charge = os::page_bytes();
  if (!quota_.claim(charge)) return nullptr;
  GuardedBlock* block = guarded_.take(bytes, alignment);
  if (block == nullptr) {
    quota_.release(charge);
    return nullptr;
  }
  block->class_bytes = bytes;
  block->heap_name = name_;
  block->heap.store(this, std::memory_order_relaxed);
  exact_bytes_.fetch_add(charge, std::memory_order_relaxed);
  guarded_blocks_.fetch_add(1, std::memory_order_relaxed);
  guarded_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  allocations_.fetch_add(1, std::memory_order_relaxed);
  void* memory = block->memory;
  guarded_.publish(*block);
  if (reserve_is_open_.load(std::memory_order_relaxed)) [[unlikely]]
    close_reserve();
  return memory;
}

// False: it lies elsewhere.
bool NamedHeap::deallocate_guarded(void* pointer) noexcept {
  if (!has(LUNA_HEAP_GUARDS) || !guarded_.own(pointer)) return false;
  GuardedBlock* block = guarded_.find(pointer);
  if (block == nullptr) return false;
  if (guarded_.claim(*block, pointer)) {
    put_guarded(*block);
  } else {
    guarded_.report_free(*block, pointer);
  }
  return true;
}

// Requires: the block was claimed.
void NamedHeap::put_guarded(GuardedBlock& block) noexcept {
  if (!is_open()) guarded_.open(address_of(block.memory));  // the rest of the page is looked at
  if (has(LUNA_HEAP_WIPES)) wipe(block.memory, block.bytes);
  const std::size_t charge = os::page_bytes();
  exact_bytes_.fetch_sub(charge, std::memory_order_relaxed);
  guarded_blocks_.fetch_sub(1, std::memory_order_relaxed);
  guarded_bytes_.fetch_sub(block.bytes, std::memory_order_relaxed);
  quota_.release(charge);
  guarded_.put(block);
}

// Those of others may change meanwhile: a slot that is seen to be live, and then to be of this
// heap, is its own; and one that is not live may be taken by another as soon as it is not its own.
void NamedHeap::end_guarded() noexcept {
  if (!has(LUNA_HEAP_GUARDS)) return;
  guarded_.for_each([this](GuardedBlock& block) noexcept {
    // pairs with the release in publish()
    const bool is_live = block.state.load(std::memory_order_acquire) == GuardState::kLive;
    NamedHeap* own = this;
    if (!block.heap.compare_exchange_strong(own, GuardedBlock::ended_heap(),
                                            std::memory_order_relaxed))
      return;
    if (is_live && guarded_.claim(block, block.memory)) put_guarded(block);
  });
}

int NamedHeap::protect_guarded(luna_heap_access access) noexcept {
  if (!has(LUNA_HEAP_GUARDS)) return 0;
  int error = 0;
  const std::size_t page = os::page_bytes();
  guarded_.for_each([&](const GuardedBlock& block) noexcept {
    // pairs with the release in publish()
    const bool is_live = block.state.load(std::memory_order_acquire) == GuardState::kLive;
    if (!is_live || block.heap.load(std::memory_order_relaxed) != this) return;
    auto* memory = reinterpret_cast<void*>(round_down(address_of(block.memory), page));
    const int refused =
        os::set_access(memory, page, access != LUNA_HEAP_NO_ACCESS, access == LUNA_HEAP_READ_WRITE);
    if (refused != 0) error = refused;
  });
  return error;
}

}  // namespace luna
