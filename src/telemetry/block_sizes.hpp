// SPDX-License-Identifier: MIT
// How large the blocks are that a site asks for: by powers of two, from 16 bytes to 64 MiB.
#pragma once

#include "telemetry/histogram.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

inline constexpr std::size_t kSizeBuckets = 24;

using BlockSizes = Histogram<kSizeBuckets>;

// The most bytes that fall into a bucket. Requires: it is not the last, which has no bound.
[[nodiscard]] constexpr std::uint64_t size_bound(std::size_t bucket) noexcept {
  return std::uint64_t{16} << bucket;
}

[[nodiscard]] constexpr std::size_t size_bucket(std::uint64_t bytes) noexcept {
  if (bytes <= size_bound(0)) return 0;
  const auto bucket = static_cast<std::size_t>(std::bit_width((bytes - 1) / size_bound(0)));
  return bucket < kSizeBuckets ? bucket : kSizeBuckets - 1;
}

}  // namespace luna
