// SPDX-License-Identifier: MIT
// realloc_STEP_FIRST_to_LAST: how long does a call of realloc take while one
// buffer grows that far? Nothing is written: what counts is finding room, and
// moving what the allocator itself decides to move.
#include "keep.hpp"
#include "line.hpp"

#include <algorithm>

namespace {

using bench::Line;
using bench::Sample;

// Grows one buffer from `first` bytes to line.bytes, by next(bytes) each time.
template <typename Next>
Sample grow(const Line& line, std::size_t rounds, std::size_t first, Next next) {
  std::size_t calls = 0;
  const Sample sample = bench::timed(0, [&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      void* block = bench::allocate(first);
      for (std::size_t bytes = first; bytes < line.bytes; ++calls) {
        bytes = std::min(next(bytes), line.bytes);
        block = bench::keep(std::realloc(block, bytes));
        bench::demand(block != nullptr, line, "realloc gave nothing");
      }
      bench::deallocate(block);
    }
  });
  return {sample.ns, calls};
}

Sample by_half(const Line& line, std::size_t rounds) {
  return grow(line, rounds, 16, [](std::size_t bytes) { return bytes + bytes / 2; });
}

Sample by_16(const Line& line, std::size_t rounds) {
  return grow(line, rounds, 16, [](std::size_t bytes) { return bytes + 16; });
}

Sample by_page(const Line& line, std::size_t rounds) {
  return grow(line, rounds, 4096, [](std::size_t bytes) { return bytes + 4096; });
}

constexpr Line kLines[] = {
    {"realloc_x1.5_16_to_1M", by_half, 1 << 20},
    {"realloc_+16_to_64K", by_16, 64 << 10},
    {"realloc_+4K_to_16M", by_page, 16 << 20},
};

}  // namespace

std::span<const Line> bench::realloc_lines() { return kLines; }
