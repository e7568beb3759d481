// SPDX-License-Identifier: MIT
// The sites that allocated most, and what is usual for their blocks.
#pragma once

#include "telemetry/profile.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

struct TopSites {
  explicit TopSites(const Profile& profile) noexcept {
    for (std::size_t i = 0; i < profile.count; ++i) add(profile, i);
  }

  static constexpr std::size_t kMost = 5;
  std::array<std::size_t, kMost> rows{};  // most bytes first
  std::size_t count = 0;

 private:
  void add(const Profile& profile, std::size_t row) noexcept {
    const double bytes = profile.rows[row].allocated.bytes;
    if (!(bytes > 0)) return;
    std::size_t at = count;
    for (; at > 0 && profile.rows[rows[at - 1]].allocated.bytes < bytes; --at)
      if (at < kMost) rows[at] = rows[at - 1];
    if (at == kMost) return;
    rows[at] = row;
    if (count < kMost) ++count;
  }
};

// The bucket of sizes that most objects are in.
[[nodiscard]] inline std::size_t usual_size(const ProfileRow& row) noexcept {
  std::size_t most = 0;
  for (std::size_t i = 1; i < kSizeBuckets; ++i)
    if (row.sizes.weights[i] > row.sizes.weights[most]) most = i;
  return most;
}

}  // namespace luna
