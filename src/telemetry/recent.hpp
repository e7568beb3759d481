// SPDX-License-Identifier: MIT
// What happened at a site in the last moments, apart from all that came before: what
// anomalies.hpp holds against the site's own past.
#pragma once

#include <array>
#include <cstdint>

namespace luna {

// Samples of a while, and what they stand for.
struct Tally {
  std::uint32_t samples = 0;
  std::uint32_t freed = 0;  // samples too
  float objects = 0;
  float bytes = 0;
  float freed_objects = 0;
  float lifetime_ns = 0;  // sum over the objects that were freed

  Tally& operator+=(const Tally& other) noexcept {
    samples += other.samples;
    freed += other.freed;
    objects += other.objects;
    bytes += other.bytes;
    freed_objects += other.freed_objects;
    lifetime_ns += other.lifetime_ns;
    return *this;
  }
};

// Two windows, the one that is open and the one before, so that between one and two windows
// are known at any time. A window is 250 ms at first; while the profile grows older it doubles,
// up to 8 s, so that what is recent is at most a quarter of the whole after the first second.
//
// An object that is all zeros is one without a past. Threads: guarded by the profiler.
class RecentTally {
 public:
  static constexpr std::uint64_t kUnitMs = 250;
  static constexpr unsigned kMaxShift = 5;

  // The windows at a time after the beginning are of so many units, as a power of two.
  [[nodiscard]] static constexpr unsigned shift_at(std::uint64_t ms) noexcept {
    unsigned shift = 0;
    while (shift < kMaxShift && ms / kUnitMs >> shift >= 32) ++shift;
    return shift;
  }

  void note_allocated(std::uint64_t ms, double objects, double bytes) noexcept {
    Tally& open = open_at(ms);
    ++open.samples;
    open.objects += static_cast<float>(objects);
    open.bytes += static_cast<float>(bytes);
  }

  // Samples are now said to stand for more, or for less.
  void correct(std::uint64_t ms, double objects, double bytes) noexcept {
    Tally& open = open_at(ms);
    open.objects += static_cast<float>(objects);
    open.bytes += static_cast<float>(bytes);
  }

  void note_freed(std::uint64_t ms, double objects, double lifetime_ns) noexcept {
    Tally& open = open_at(ms);
    ++open.freed;
    open.freed_objects += static_cast<float>(objects);
    open.lifetime_ns += static_cast<float>(objects * lifetime_ns);
  }

  // What is recent at a moment, which is since since_ms().
  [[nodiscard]] Tally at(std::uint64_t ms) noexcept {
    Tally sum = open_at(ms);
    sum += before_;
    return sum;
  }
  [[nodiscard]] std::uint64_t since_ms() const noexcept { return since_ * kUnitMs; }

 private:
  // The window that is open then. Of two threads the later may have looked at the clock first;
  // what it notes counts as now.
  [[nodiscard]] Tally& open_at(std::uint64_t ms) noexcept {
    const auto unit = static_cast<std::uint32_t>(ms / kUnitMs);
    if (unit >> shift_ != window_ || shift_at(ms) != shift_) roll(unit, shift_at(ms));
    return open_;
  }
  void roll(std::uint32_t unit, unsigned shift) noexcept;

  Tally open_;
  Tally before_;
  std::uint32_t window_;      // number of the open one
  std::uint32_t since_ : 29;  // the unit in which what is kept begins
  std::uint32_t shift_ : 3;
};

}  // namespace luna
