// SPDX-License-Identifier: MIT
// How long blocks of a site lived that have been freed, and which of them were temporary: the
// sums, and a histogram of the lifetimes by factors of 4.
#pragma once

#include "telemetry/histogram.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

// Below 1 us; up to 4 us, 16 us and so on; from 4^16 us, which are 72 minutes.
inline constexpr std::size_t kLifetimeBuckets = 18;

// What falls into a bucket is shorter than that. Requires: it is not the last, which has no
// bound.
[[nodiscard]] constexpr std::uint64_t lifetime_bound_ns(std::size_t bucket) noexcept {
  return std::uint64_t{1000} << (2 * bucket);
}

[[nodiscard]] constexpr std::size_t lifetime_bucket(std::uint64_t nanoseconds) noexcept {
  const auto bucket = static_cast<std::size_t>(std::bit_width(nanoseconds / 1000) + 1) / 2;
  return bucket < kLifetimeBuckets ? bucket : kLifetimeBuckets - 1;
}

// A sample that is freed, and what it stands for.
struct FreedSample {
  double objects;
  double bytes;
  std::uint64_t lifetime_ns;
};

// All estimates, as those of Amount.
struct Lifetimes {
  double objects = 0;
  double bytes = 0;
  double nanoseconds = 0;       // sum over the objects
  double byte_nanoseconds = 0;  // sum over the bytes
  double temporary_objects = 0;
  double temporary_bytes = 0;
  Histogram<kLifetimeBuckets> histogram;  // of the objects

  // Blocks that lived `temporary_ns` or shorter are temporary.
  void add(const FreedSample& sample, std::uint64_t temporary_ns, RoundingNoise& noise) noexcept {
    const auto lifetime = static_cast<double>(sample.lifetime_ns);
    objects += sample.objects;
    bytes += sample.bytes;
    nanoseconds += sample.objects * lifetime;
    byte_nanoseconds += sample.bytes * lifetime;
    histogram.add(lifetime_bucket(sample.lifetime_ns), sample.objects, noise);
    if (sample.lifetime_ns > temporary_ns) return;
    temporary_objects += sample.objects;
    temporary_bytes += sample.bytes;
  }
};

}  // namespace luna
