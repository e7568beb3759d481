// SPDX-License-Identifier: MIT
// The sites that most bytes live of, without a whole profile: for who may take no memory.
#pragma once

#include "telemetry/profile.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// The stack stays where it is as long as the process.
struct LiveSite {
  Stack stack;
  Amount live;
  Amount allocated;
};

struct LiveSites {
  static constexpr std::size_t kMost = 20;

  void add(const LiveSite& site) noexcept;

  std::array<LiveSite, kMost> rows{};  // most live bytes first
  std::size_t count = 0;
  std::uint64_t all_sites = 0;  // that there are
  double all_live_bytes = 0;    // of all of them
  std::uint64_t interval_bytes = 0;
  std::uint64_t dropped_samples = 0;
};

}  // namespace luna
