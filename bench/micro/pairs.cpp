// SPDX-License-Identifier: MIT
// pair_BYTES: how long does a malloc take that is freed at once? The best case of
// every allocator, and of large blocks: nothing is written to them.
#include "keep.hpp"
#include "line.hpp"

namespace {

using bench::Line;
using bench::Sample;

constexpr std::size_t kKiB = 1024;

Sample pair(const Line& line, std::size_t rounds) {
  void* block = bench::allocate(line.bytes);
  bench::demand(block != nullptr, line, "malloc gave nothing");
  bench::deallocate(block);
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) bench::deallocate(bench::allocate(line.bytes));
  });
}

struct Object {
  char bytes[32];
};

// The compiler passes the size to operator delete.
Sample new_delete(const Line& /*line*/, std::size_t rounds) {
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) delete static_cast<Object*>(bench::keep(new Object));
  });
}

constexpr Line kLines[] = {
    {"pair_8", pair, 8},
    {"pair_16", pair, 16},
    {"pair_24", pair, 24},
    {"pair_32", pair, 32},
    {"pair_48", pair, 48},
    {"pair_64", pair, 64},
    {"pair_100", pair, 100},
    {"pair_128", pair, 128},
    {"pair_256", pair, 256},
    {"pair_512", pair, 512},
    {"pair_1024", pair, 1024},
    {"pair_2048", pair, 2048},
    {"pair_4096", pair, 4096},
    {"pair_8192", pair, 8192},
    {"pair_16384", pair, 16384},
    {"pair_32768", pair, 32768},
    {"pair_64K", pair, 64 * kKiB},
    {"pair_128K", pair, 128 * kKiB},
    {"pair_256K", pair, 256 * kKiB},
    {"pair_1024K", pair, 1024 * kKiB},
    {"pair_4096K", pair, 4096 * kKiB},
    {"pair_32768K", pair, 32768 * kKiB},
    {"new_del_32", new_delete, sizeof(Object)},
};

}  // namespace

std::span<const Line> bench::pair_lines() { return kLines; }
