// SPDX-License-Identifier: MIT
// Freed blocks that are not to be used again for a while. Whoever comes in takes the place of one
// at random, which leaves: so nobody can tell when a block will be handed out, nor in which order.
#pragma once

#include "base/align.hpp"
#include "base/report.hpp"
#include "hardened/block_end.hpp"
#include "os/lock.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace luna::hardened {

// Blocks come in cleared. The places of larger ones are fewer: no more than 1 MiB waits at a time.
//
// Threads: the one that it is attached to.
class Quarantine {
 public:
  explicit Quarantine(std::uint64_t seed) noexcept : random_(seed) {}

  static constexpr std::size_t kSmallBytes = 1024;

  // The block that leaves for this one, which may be the same; nullptr: there was room.
  // Reports one that was written to while it was here.
  [[nodiscard]] void* exchange(void* block, std::size_t bytes) noexcept {
    if (bytes <= kSmallBytes) return exchange_small(block);
    if (bytes <= kMiddleBytes) return exchange_in(middle_, block);
    return bytes <= kLargeBytes ? exchange_large(block, bytes) : block;
  }

  // Requires: no more than kSmallBytes.
  [[nodiscard]] void* exchange_small(void* block) noexcept { return exchange_in(small_, block); }

  // Links of the list of quarantines, under its lock.
  Quarantine* next = nullptr;
  Quarantine* next_parked = nullptr;

 private:
  static constexpr std::size_t kMiddleBytes = std::size_t{16} << 10;
  static constexpr std::size_t kLargeBytes = std::size_t{256} << 10;

  // An address and, above it, the length in units of 16: one word, lest a fork find half of it.
  using Place = std::uint64_t;
  static constexpr int kLengthShift = 48;
  static constexpr std::size_t kLargePlaces = 2;

  // Of the blocks that leave, the link of the list that they go to will hide the first word; the
  // rest is looked at when they are handed out.
  template <std::size_t count>
  [[nodiscard]] void* exchange_in(std::array<void*, count>& places, void* block) noexcept {
    void* leaves = std::exchange(places[any_of<count>()], block);
    if (leaves != nullptr && word_at(leaves) != 0) [[unlikely]]
      report::write_after_free(leaves);
    return leaves;
  }

  // Nobody looks at them when they are handed out.
  [[nodiscard]] void* exchange_large(void* block, std::size_t bytes) noexcept {
    const Place comes = Place{bytes / 16} << kLengthShift | address_of(block);
    const Place leaves = std::exchange(large_[any_of<kLargePlaces>()], comes);
    auto* memory = reinterpret_cast<std::byte*>(leaves & ((Place{1} << kLengthShift) - 1));
    const std::size_t length = (leaves >> kLengthShift) * 16;
    if (!is_zero(memory, length)) [[unlikely]]
      report::write_after_free(memory);
    return memory;
  }

  // Any of so many. A linear congruence whose factor and summand nobody knows, and of whose numbers
  // nobody sees more than the highest bits.
  template <std::size_t count>
  [[nodiscard]] std::size_t any_of() noexcept {
    static_assert(std::has_single_bit(count));
    random_ = random_ * secret.link[1] + secret.canary[1];
    return random_ >> (64 - std::countr_zero(count));
  }

  std::uint64_t random_;
  std::array<void*, 128> small_{};
  std::array<void*, 16> middle_{};
  std::array<Place, kLargePlaces> large_{};
};

// Those of all threads. One outlives its thread, with what is in it, and serves a later one.
//
// Threads: any; one lock inside.
class Quarantines {
 public:
  constexpr Quarantines() noexcept = default;
  Quarantines(const Quarantines&) = delete;
  Quarantines& operator=(const Quarantines&) = delete;

  // nullptr: no memory.
  [[nodiscard]] Quarantine* attach() noexcept;
  void park(Quarantine& quarantine) noexcept;

  // In the child of a fork, where the other threads are gone. `own` may be nullptr.
  void resume_child(const Quarantine* own) noexcept;

 private:
  os::Lock lock_;
  Quarantine* all_ = nullptr;
  Quarantine* parked_ = nullptr;
};

}  // namespace luna::hardened
