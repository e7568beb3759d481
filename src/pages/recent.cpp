// SPDX-License-Identifier: MIT
// Large blocks that were freed last wait here, whole, for a request of just their
// length, and need no lock for it. They are given up before the heap grows, by any
// other large request, and by the sweep when they have waited for long.
#include "os/memory.hpp"
#include "pages/page_heap.hpp"

namespace luna {

namespace {

// A place holds an address and, above it, the block's length in pages.
constexpr int kLengthShift = 48;
constexpr std::size_t kMaxRecentPages = std::size_t{1} << 14;

[[nodiscard]] std::byte* memory_of(std::uint64_t word) noexcept {
  return reinterpret_cast<std::byte*>(word & ((std::uint64_t{1} << kLengthShift) - 1));
}

}  // namespace

// False: it is no block for this place, or there is no room.
bool PageHeap::put_recent(const void* memory, std::size_t pages) noexcept {
  if (pages < kMinRecentPages || pages > kMaxRecentPages) return false;
  const std::uint64_t word = std::uint64_t{pages} << kLengthShift | address_of(memory);
  for (auto& place : recent_) {
    std::uint64_t expected = 0;
    // pairs with the acquire of who takes it: what was written about the block is seen
    if (place.load(std::memory_order_relaxed) == 0 &&
        place.compare_exchange_strong(expected, word, std::memory_order_release,
                                      std::memory_order_relaxed))
      return true;
  }
  return false;
}

void* PageHeap::take_recent(std::size_t pages, std::size_t alignment_pages) noexcept {
  for (auto& place : recent_) {
    std::uint64_t word = place.load(std::memory_order_relaxed);
    if (word >> kLengthShift != pages) continue;
    if ((address_of(memory_of(word)) & (alignment_pages * kPageBytes - 1)) != 0) continue;
    // pairs with the release in put_recent()
    if (place.compare_exchange_strong(word, 0, std::memory_order_acquire,
                                      std::memory_order_relaxed))
      return memory_of(word);
  }
  return nullptr;
}

bool PageHeap::is_recent(const void* memory) const noexcept {
  for (const auto& place : recent_)
    if (memory_of(place.load(std::memory_order_relaxed)) == memory) return true;
  return false;
}

const void* PageHeap::recent(std::size_t place) const noexcept {
  return memory_of(recent_[place].load(std::memory_order_relaxed));
}

std::size_t PageHeap::recent_pages(std::size_t place) const noexcept {
  return recent_[place].load(std::memory_order_relaxed) >> kLengthShift;
}

bool PageHeap::has_recent() const noexcept {
  std::uint64_t words = 0;
  for (const auto& place : recent_) words |= place.load(std::memory_order_relaxed);
  return words != 0;
}

// Called without the lock.
void PageHeap::settle_recent() noexcept {
  for (auto& place : recent_) {
    if (place.load(std::memory_order_relaxed) == 0) continue;
    // pairs with the release in put_recent()
    const std::uint64_t word = place.exchange(0, std::memory_order_acquire);
    if (word != 0) put(memory_of(word));
  }
}

// Called with the lock, when no time can be spent on what the blocks are backed by;
// with `old`, only those that were there the last time.
void PageHeap::give_up_recent(bool old) noexcept {
  for (std::size_t i = 0; i < recent_.size(); ++i) {
    std::uint64_t word = recent_[i].load(std::memory_order_relaxed);
    const bool spared = old && word != recent_seen_[i];
    recent_seen_[i] = word;
    // pairs with the release in put_recent()
    if (word == 0 || spared ||
        !recent_[i].compare_exchange_strong(word, 0, std::memory_order_acquire,
                                            std::memory_order_relaxed))
      continue;
    put_locked(memory_of(word), true);
  }
}

}  // namespace luna
