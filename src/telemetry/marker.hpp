// SPDX-License-Identifier: MIT
// Marks the blocks that can be reached: from words outside of the heap, and from block to
// block. Any word that points into a block keeps it, wherever in the block.
#pragma once

#include "heap/block_census.hpp"
#include "os/memory_reader.hpp"
#include "telemetry/address_ranges.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// Each word at a multiple of 8 counts, whatever it is meant to be. When the stack of blocks
// whose words are yet to be seen is full, the heap is gone through once more for them.
//
// Threads: one, as for the census. Owns its memory.
class Marker {
 public:
  // `hidden`: memory that cannot be read as others can, where a program has forbidden it.
  // Blocks that are marked in `barred` are left alone; it may be nullptr.
  Marker(const BlockCensus& census, const AddressRanges& hidden, os::MemoryReader& reader,
         const BlockBits* barred) noexcept
      : census_(census), hidden_(hidden), reader_(reader), barred_(barred) {}
  ~Marker();

  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;

  // False: no memory.
  [[nodiscard]] bool begin() noexcept;

  // Marks what these words lead to, or what the one address does; all of it after finish().
  void mark(os::Words words) noexcept;
  void mark(std::uintptr_t address) noexcept { mark(os::Words{&address, 1}); }

  // To be called after the last mark(): looks into all that is marked again, as long as there
  // was no room for some.
  void finish() noexcept;

  [[nodiscard]] bool is_marked(std::uintptr_t block) const noexcept { return marks_.test(block); }
  [[nodiscard]] const BlockBits& marks() const noexcept { return marks_; }

  // Calls visit(begin, bytes) for its memory.
  template <typename Visit>
  void for_each_range(Visit visit) const noexcept {
    visit(address_of(marks_.memory()), marks_.bytes());
    visit(address_of(stack_), kStackBytes);
  }

 private:
  static constexpr std::size_t kCapacity = std::size_t{1} << 19;
  static constexpr std::size_t kStackBytes = kCapacity * sizeof(FoundBlock);

  void enter(std::uintptr_t address) noexcept;
  void enter_all(os::Words words) noexcept;
  void look_into(const FoundBlock& block) noexcept;
  void drain() noexcept;

  const BlockCensus& census_;
  const AddressRanges& hidden_;
  os::MemoryReader& reader_;
  const BlockBits* barred_;
  BlockBits marks_;
  FoundBlock* stack_ = nullptr;
  std::size_t depth_ = 0;
  bool overflowed_ = false;
};

}  // namespace luna
