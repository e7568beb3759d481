// SPDX-License-Identifier: MIT
// A profiler on an allocator with one thread, and what it found.
#pragma once

#include "support/one_thread.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/profiler.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace luna::test {

inline constexpr ProfilerLimits kLimits = {std::size_t{8} << 20, 32};
inline constexpr ProfilerLimits kTiny = {32 * 1024, 8};

// Sums over all sites, and what the tables could not hold.
struct Found {
  Totals totals;
  std::size_t sites = 0;
  std::uint64_t dropped = 0;
  std::uint64_t interval = 0;
};

[[nodiscard]] inline Found look(Profiler& profiler) {
  Found found;
  EXPECT_TRUE(profiler.with_profile([&](const Profile& profile) {
    found = {totals_of(profile), profile.count, profile.dropped_samples, profile.interval_bytes};
  }));
  return found;
}

struct Profiled : OneThread {
  explicit Profiled(std::uint64_t interval = 1, const ProfilerLimits& limits = kLimits) {
    EXPECT_TRUE(profiler.start(interval, limits));
  }

  void free_all(std::vector<void*>& blocks) {
    for (void* block : blocks) thread.deallocate(block);
    blocks.clear();
  }

  Profiler profiler{allocator};
};

inline void expect_amount(const Amount& amount, std::uint64_t objects, std::uint64_t bytes) {
  EXPECT_EQ(amount.samples, objects);
  EXPECT_EQ(amount.sampled_bytes, bytes);
  EXPECT_EQ(amount.objects, static_cast<double>(objects));
  EXPECT_EQ(amount.bytes, static_cast<double>(bytes));
}

}  // namespace luna::test
