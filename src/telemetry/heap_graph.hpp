// SPDX-License-Identifier: MIT
// What of the heap can be reached, worked out within a copy of the process; and of what
// cannot, which blocks hang on others. For the process itself see reachability.hpp.
#pragma once

#include "heap/block_census.hpp"
#include "os/memory_reader.hpp"
#include "os/thread_stop.hpp"
#include "telemetry/address_ranges.hpp"
#include "telemetry/live_table.hpp"
#include "telemetry/marker.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace luna {

// A sample that cannot be reached.
struct Finding {
  std::uintptr_t address;
  std::uint64_t born_ns;
  bool indirect;  // another block leads to it that cannot be reached either
};

// What the copy tells, in mapped memory that both processes have.
struct Findings {
  std::size_t count;
  Finding* entries;  // by rising address; there is room for every sample
};

// What is looked at.
struct HeapView {
  Allocator& allocator;
  const LiveTable& live;
  AddressRange findings;              // the mapping that they are told by
  std::span<const AddressRange> own;  // memory that is no root
  const os::ThreadStop& threads;      // their registers
  std::uintptr_t stack_pointer;       // of the calling thread, whose registers lie above it
};

// Large: to be made in mapped memory. Threads: one, alone in a copy of the process.
class HeapGraph {
 public:
  explicit HeapGraph(const HeapView& view) noexcept : view_(view) {}

  HeapGraph(const HeapGraph&) = delete;
  HeapGraph& operator=(const HeapGraph&) = delete;

  // Fills `findings`. Returns 0 or an errno value. Requires: called once.
  [[nodiscard]] int find(Findings& findings) noexcept;

 private:
  static constexpr std::size_t kMaxStacks = 4097;

  [[nodiscard]] bool begin() noexcept;
  void gather_own() noexcept;
  void gather_stacks() noexcept;
  [[nodiscard]] bool mark_from_roots() noexcept;
  void flood(Marker& reached, const FoundBlock& from) noexcept;
  [[nodiscard]] bool find_heads() noexcept;
  void report(Findings& findings) const noexcept;

  template <typename Visit>
  void for_each_unreachable(Visit visit) const noexcept {
    census_.for_each_block([&](const FoundBlock& block) noexcept {
      if (!reachable_.is_marked(block.begin)) visit(block);
    });
  }

  HeapView view_;
  os::MemoryReader reader_;
  AddressRanges own_;
  AddressRanges hidden_;
  BlockCensus census_{view_.allocator};
  Marker reachable_{census_, hidden_, reader_, nullptr};
  Marker tried_{census_, hidden_, reader_, &reachable_.marks()};
  Marker hanging_{census_, hidden_, reader_, &reachable_.marks()};
  BlockBits heads_;  // blocks that hang on no other, or one of each circle
  FoundBlock* candidates_ = nullptr;
  std::size_t candidate_count_ = 0;
  std::array<std::uintptr_t, kMaxStacks> stacks_;
  std::size_t stack_count_ = 0;
};

}  // namespace luna
