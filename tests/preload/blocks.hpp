// SPDX-License-Identifier: MIT
// Patterns that show whether a block kept its contents, and a seeded source of sizes.
// Blocks up to 64 KiB are written in full; beyond that a prime stride meets every page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace blocks {

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::size_t kGiB = 1024 * kMiB;
constexpr std::size_t kFullBytes = 64 * kKiB;
constexpr std::size_t kStride = 509;

[[nodiscard]] inline unsigned char pattern_at(std::size_t index, std::size_t seed) {
  return static_cast<unsigned char>((seed * 131 + index * 7 + (index >> 8)) & 0xff);
}

inline void fill(void* block, std::size_t bytes, std::size_t seed) {
  auto* const at = static_cast<unsigned char*>(block);
  for (std::size_t i = 0; i < bytes; i += i < kFullBytes ? 1 : kStride) at[i] = pattern_at(i, seed);
  if (bytes > 0) at[bytes - 1] = pattern_at(bytes - 1, seed);
}

// True if the first `bytes` of a block that was filled with `seed` are as fill() left them.
[[nodiscard]] inline bool holds(const void* block, std::size_t bytes, std::size_t seed) {
  const auto* const at = static_cast<const unsigned char*>(block);
  for (std::size_t i = 0; i < bytes; i += i < kFullBytes ? 1 : kStride) {
    if (at[i] != pattern_at(i, seed)) return false;
  }
  return true;
}

[[nodiscard]] inline bool all_zero(const void* block, std::size_t bytes) {
  const auto* const at = static_cast<const unsigned char*>(block);
  if (bytes == 0) return true;
  return at[0] == 0 && std::memcmp(at, at + 1, bytes - 1) == 0;
}

[[nodiscard]] inline bool aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

// xorshift64: the same sizes in every run.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 1) {}

  [[nodiscard]] std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  [[nodiscard]] std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(next() % limit);
  }

  // Mostly small, some of a few pages, few beyond: the mix of a usual program.
  [[nodiscard]] std::size_t size() {
    const std::size_t kind = below(1000);
    if (kind < 900) return 1 + below(1 * kKiB);
    if (kind < 980) return 1 + below(32 * kKiB);
    if (kind < 998) return 1 + below(512 * kKiB);
    return 1 + below(4 * kMiB);
  }

 private:
  std::uint64_t state_;
};

}  // namespace blocks
