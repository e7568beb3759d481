// SPDX-License-Identifier: MIT
// What a report of leaks is made of: the sites with their histories, and the ages of what
// lives of each.
#pragma once

#include "telemetry/history.hpp"
#include "telemetry/profile.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// When the samples of a site that live were allocated, against its history.
struct LiveAges {
  std::uint64_t oldest_ms = 0;  // when the oldest was; 0: none lives
  double late_bytes = 0;        // of those that are from the last half of its slots
  std::uint16_t born_in = 0;    // a bit for each slot that one is from
};

// What of a site nothing points to, as far as a proof was asked for; see reachability.hpp.
struct LostAmount {
  double objects = 0;
  double bytes = 0;
  double indirect_bytes = 0;  // of them, those that others of them point to
  bool is_definite = false;   // of one at least
};

struct LeakRow {
  // A sample that lives was allocated then, and stands for so many bytes.
  void note_age(const Moment& born, double bytes) noexcept {
    const std::size_t slot = history.slot_of(born.tick);
    ages.born_in = static_cast<std::uint16_t>(ages.born_in | 1U << slot);
    if (slot >= history.count() - history.count() / 4 * 2) ages.late_bytes += bytes;
    if (ages.oldest_ms == 0 || born.ms < ages.oldest_ms) ages.oldest_ms = born.ms;
  }

  Stack stack;
  Amount allocated;
  Amount live;
  SiteHistory history;  // up to now
  LiveAges ages;
  LostAmount lost;
  Labels labels{};
};

struct LeakProfile {
  const LeakRow* rows = nullptr;
  std::size_t count = 0;
  std::uint64_t interval_bytes = 0;
  std::uint64_t dropped_samples = 0;
  Moment began;
  Moment now;
  bool is_proved = false;  // whether a proof was asked for
};

}  // namespace luna
