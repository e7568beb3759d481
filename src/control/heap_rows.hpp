// SPDX-License-Identifier: MIT
// A row of statistics for each named heap.
#pragma once

#include "heap/named_heaps.hpp"

#include <lunalloc/heap.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

// Threads: one; others go on.
class HeapRows {
 public:
  struct Row {
    std::uint64_t number;  // no other heap has it at the same time
    std::array<char, LUNA_HEAP_NAME_BYTES> name;
    luna_heap_stats stats;

    [[nodiscard]] std::string_view title() const noexcept { return name.data(); }
  };

  HeapRows() noexcept = default;
  ~HeapRows();
  HeapRows(const HeapRows&) = delete;
  HeapRows& operator=(const HeapRows&) = delete;

  // Once. Heaps that are made meanwhile may be missing. False: no memory.
  [[nodiscard]] bool collect(NamedHeaps& heaps) noexcept;

  [[nodiscard]] std::span<const Row> rows() const noexcept { return {rows_, count_}; }

 private:
  Row* rows_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
};

}  // namespace luna
