// SPDX-License-Identifier: MIT
// The samples that are in use, by their address.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna {

struct LiveSample {
  std::uintptr_t address;     // 0: a free place
  std::uint64_t bytes;        // that the program asks for
  std::uint64_t most_bytes;   // that it ever did, and by which it counts as allocated
  std::uint64_t block_bytes;  // that the block has, and was sampled by
  std::uint64_t interval;
  double weight;          // objects that it stands for
  std::uint64_t born_ns;  // of the clock that never goes back
  std::uint32_t site;
  std::uint8_t bucket = 0;      // of the sizes of its site, where it is counted
  std::uint32_t born_tick = 0;  // of the WorkClock
  std::uint32_t thread = 0;     // that allocated it, of the ThreadNumbers

  // Whether the block has the byte at an address; of one of no bytes, its first.
  [[nodiscard]] bool holds(std::uintptr_t byte) const noexcept {
    return address != 0 && byte - address < (block_bytes != 0 ? block_bytes : 1);
  }
};

// A hash table with open addressing, which doubles as it fills: hashed addresses touch all
// pages of a table, however few they are. What is erased leaves no mark: those behind it
// move up.
//
// Threads: guarded by the lock of the profiler.
class LiveTable {
 public:
  constexpr LiveTable() noexcept = default;
  LiveTable(const LiveTable&) = delete;
  LiveTable& operator=(const LiveTable&) = delete;

  // It may take so many bytes, and while it doubles half as many more. False: the kernel
  // refuses, or it is too little.
  [[nodiscard]] bool begin(std::size_t bytes) noexcept;

  // Whether there is no room for one more, even if the table doubles, which it does then.
  [[nodiscard]] bool is_full() noexcept { return count_ >= room() && !grow(); }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  // So many samples there will be at most.
  [[nodiscard]] std::size_t limit() const noexcept { return max_places_ / 4 * 3; }

  // The memory of the table.
  [[nodiscard]] const void* memory() const noexcept { return places_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return places_ != nullptr ? (mask_ + 1) * sizeof(LiveSample) : 0;
  }

  // Requires: is_full() said no, and the address is not in it.
  void insert(const LiveSample& sample) noexcept;

  // nullptr: there is none.
  [[nodiscard]] LiveSample* find(std::uintptr_t address) noexcept;

  // Requires: the sample is one that find() gave, and nothing has changed since.
  void erase(LiveSample* sample) noexcept;

  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    for (std::size_t i = 0; places_ != nullptr && i <= mask_; ++i)
      if (places_[i].address != 0) visit(places_[i]);
  }

 private:
  [[nodiscard]] std::size_t room() const noexcept { return (mask_ + 1) / 4 * 3; }
  [[nodiscard]] bool use_places(std::size_t places) noexcept;
  [[nodiscard]] bool grow() noexcept;
  void put(const LiveSample& sample) noexcept;

  [[nodiscard]] std::size_t home_of(std::uintptr_t address) const noexcept {
    // Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, 6.4.
    return static_cast<std::size_t>((std::uint64_t{address} / 16 * 0x9e3779b97f4a7c15) >> shift_);
  }

  LiveSample* places_ = nullptr;
  std::size_t mask_ = 0;
  int shift_ = 0;
  std::size_t count_ = 0;
  std::size_t max_places_ = 0;
};

}  // namespace luna
