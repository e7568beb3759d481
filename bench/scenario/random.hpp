// SPDX-License-Identifier: MIT
// random: seeded numbers and the block sizes that programs really ask for.
//
// The size mix follows what heap profiles of servers, interpreters and compilers
// have in common: most blocks are below 128 bytes, sizes thin out by a power law,
// and a few big ones hold much of the memory. No allocator's classes were looked at.
#pragma once

#include <cstddef>
#include <cstdint>

namespace bench {

// A 64-bit mixing generator: one addition and three multiplications' worth of work,
// cheap enough to stay out of the way of a malloc that takes 10 ns.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
    mixed = (mixed ^ (mixed >> 32)) * 0xD6E8FEB86659FD93U;
    return mixed ^ (mixed >> 32);
  }

  // Returns a number below `limit`. Requires: 0 < limit < 2^32.
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(((next() >> 32) * limit) >> 32);
  }

  // Returns a number in [low, high].
  std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }

  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::uint64_t state_;
};

// Sizes of objects, nodes and strings: 8 bytes to 1 KiB, mean about 70 bytes.
inline std::size_t small_size(Random& random) {
  const std::size_t kind = random.below(100);
  if (kind < 38) return random.between(8, 32);
  if (kind < 70) return random.between(33, 64);
  if (kind < 88) return random.between(65, 128);
  if (kind < 97) return random.between(129, 300);
  return random.between(301, 1024);
}

// Small objects plus the buffers around them: up to 64 KiB, mean about 350 bytes.
inline std::size_t mixed_size(Random& random) {
  const std::size_t kind = random.below(1000);
  if (kind < 950) return small_size(random);
  if (kind < 990) return random.between(1025, 4096);
  if (kind < 998) return random.between(4097, 16384);
  return random.between(16385, 65536);
}

}  // namespace bench
