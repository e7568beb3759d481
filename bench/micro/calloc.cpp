// SPDX-License-Identifier: MIT
// calloc_BYTES: how long does zeroed memory take that is freed at once? With
// touchall, a byte of every page is written, so that the next block at the place is
// not known to be zero; malloc_BYTES_touchall is the same without the zeros.
#include "keep.hpp"
#include "line.hpp"

namespace {

using bench::Line;
using bench::Sample;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kPageBytes = 4096;

void touch_all(void* block, std::size_t bytes) {
  auto* begin = static_cast<volatile char*>(block);
  for (std::size_t offset = 0; offset < bytes; offset += kPageBytes) begin[offset] = 1;
}

void* zeroed(std::size_t bytes) { return bench::keep(std::calloc(1, bytes)); }

Sample no_touch(const Line& line, std::size_t rounds) {
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) bench::deallocate(zeroed(line.bytes));
  });
}

Sample calloc_touch(const Line& line, std::size_t rounds) {
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      void* block = zeroed(line.bytes);
      touch_all(block, line.bytes);
      bench::deallocate(block);
    }
  });
}

Sample malloc_touch(const Line& line, std::size_t rounds) {
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      void* block = bench::allocate(line.bytes);
      touch_all(block, line.bytes);
      bench::deallocate(block);
    }
  });
}

constexpr Line kLines[] = {
    {"calloc_64", no_touch, 64},
    {"calloc_1024", no_touch, 1024},
    {"calloc_64K_notouch", no_touch, 64 * kKiB},
    {"calloc_64K_touchall", calloc_touch, 64 * kKiB},
    {"malloc_64K_touchall", malloc_touch, 64 * kKiB},
    {"calloc_1024K_notouch", no_touch, 1024 * kKiB},
    {"calloc_1024K_touchall", calloc_touch, 1024 * kKiB},
    {"malloc_1024K_touchall", malloc_touch, 1024 * kKiB},
    {"calloc_16384K_notouch", no_touch, 16384 * kKiB},
    {"calloc_16384K_touchall", calloc_touch, 16384 * kKiB},
    {"malloc_16384K_touchall", malloc_touch, 16384 * kKiB},
};

}  // namespace

std::span<const Line> bench::calloc_lines() { return kLines; }
