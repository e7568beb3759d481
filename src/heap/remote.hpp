// SPDX-License-Identifier: MIT
// Blocks freed by threads that do not own their slab: the only lock-free code.
//
// A block freed elsewhere becomes one bit in its slab's remote area; the block
// itself is not touched. Bits are gathered by word (RemoteCache) and published
// with one atomic operation a word. The slab is then put on its owner's stack
// (RemoteStack), unless it is on one already. docs/design.md, "Remote frees".
#pragma once

#include "heap/slab.hpp"
#include "pages/layout.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

// The annex of a slab's granule. `listed` is 1 while the slab is on a stack, or
// about to be pushed by the thread that changed it from 0; it alone may push,
// and `next` is its to write. Whoever takes the slab off the stack sets it to 0
// before it looks at the bits.
struct alignas(64) RemoteArea {
  std::atomic<std::uint32_t> listed;
  Slab* next;
  std::array<std::atomic<std::uint64_t>, kGranuleBytes / kMinBlockBytes / 64> freed;
};

static_assert(sizeof(RemoteArea) == sizeof(Annex));

[[nodiscard]] inline RemoteArea& remote_area(const Window& window, const Slab* slab) noexcept {
  return *reinterpret_cast<RemoteArea*>(window.annex_of(reinterpret_cast<const Slot*>(slab)));
}

// Slabs with blocks that were freed elsewhere, for one thread heap.
//
// Threads: any may push; one at a time takes all.
class RemoteStack {
 public:
  // Requires: the caller changed the slab's `listed` from 0 to 1, or took it
  // off another stack without changing it.
  void push(RemoteArea& area, Slab* slab) noexcept {
    Slab* first = first_.load(std::memory_order_relaxed);
    do {
      area.next = first;
      // pairs with the acquire in take_all()
    } while (!first_.compare_exchange_weak(first, slab, std::memory_order_release,
                                           std::memory_order_relaxed));
  }

  [[nodiscard]] Slab* take_all() noexcept {
    // pairs with the release in push()
    return first_.exchange(nullptr, std::memory_order_acquire);
  }

  [[nodiscard]] bool empty() const noexcept {
    return first_.load(std::memory_order_relaxed) == nullptr;
  }

 private:
  std::atomic<Slab*> first_{nullptr};
};

// Publishes freed blocks of a slab: bits of one word. Reports a double free if
// one of them was set. True: the caller must push the slab onto its owner's stack.
[[nodiscard]] bool publish_freed(RemoteArea& area, Slab* slab, const std::byte* memory,
                                 std::size_t word, std::uint64_t bits) noexcept;

// True if freed blocks are waiting to be collected.
[[nodiscard]] bool has_freed(const RemoteArea& area) noexcept;

// To be called with a slab just taken off a stack that has no owner any more:
// leaves it unlisted. True: bits came in meanwhile, so that it must be pushed.
[[nodiscard]] bool unlist_orphan(RemoteArea& area, const Slab* slab) noexcept;

// Takes all freed blocks of a slab of one's own and adds them to its free list.
// Returns their number; the slab counts as awake then. Requires: `listed` was set
// to 0 by the caller before.
std::size_t collect_freed(RemoteArea& area, Slab& slab, std::byte* memory) noexcept;

// Freed blocks that one thread has yet to publish: a small table by slab and
// word, so that blocks freed near each other leave together.
//
// Threads: its own.
class RemoteCache {
 public:
  struct Entry {
    Slab* slab = nullptr;
    std::size_t word = 0;
    std::uint64_t bits = 0;
  };

  // The place for blocks of this word, which may hold another word's bits yet.
  [[nodiscard]] Entry& entry_for(const Slab* slab, std::size_t word) noexcept {
    const std::size_t number = address_of(slab) / sizeof(Slab);
    return entries_[(number * 7 + word) % kEntries];
  }

  // True if so much is held back that all should be published.
  [[nodiscard]] bool hold(std::size_t bytes) noexcept {
    held_bytes_ += bytes;
    return held_bytes_ > kMaxHeldBytes;
  }

  template <typename Publish>
  void publish_all(Publish publish) noexcept {
    if (held_bytes_ == 0) return;
    held_bytes_ = 0;
    for (Entry& entry : entries_) {
      if (entry.bits == 0) continue;
      publish(entry);
      entry = {};
    }
  }

  void forget() noexcept {
    held_bytes_ = 0;
    entries_.fill({});
  }

 private:
  static constexpr std::size_t kEntries = 32;
  static constexpr std::size_t kMaxHeldBytes = std::size_t{32} * 1024;

  std::size_t held_bytes_ = 0;
  std::array<Entry, kEntries> entries_{};
};

}  // namespace luna
