// SPDX-License-Identifier: MIT
// How many bytes were live lately, as means over steps of many lengths: what waves.hpp finds
// waves in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// The last points of a series at one step.
struct DemandPoints {
  static constexpr std::size_t kPoints = 256;

  std::array<float, kPoints> means;  // of live bytes; a ring
  std::uint64_t count;               // that there were, of which the last kPoints are kept
  double begin;                      // the integral when the point that is open began

  // By age: 0 is the oldest that is kept. Requires: it is less than size().
  [[nodiscard]] float operator[](std::size_t age) const noexcept {
    return means[(count < kPoints ? age : count + age) % kPoints];
  }
  [[nodiscard]] std::size_t size() const noexcept {
    return count < kPoints ? static_cast<std::size_t>(count) : kPoints;
  }
};

// One series for each step: a millisecond, four, sixteen and so on up to 73 minutes; so each
// period from some milliseconds to days is many points long in one of them, and each covers
// its own last 256 steps. A point is the mean over its time, so that what is faster than a
// step is averaged out, not aliased.
//
// An object that is all zeros is one that has not begun. Threads: guarded by the profiler.
class DemandSeries {
 public:
  static constexpr std::size_t kLevels = 12;
  static constexpr std::uint64_t kFirstStepNs = 1'000'000;

  [[nodiscard]] static constexpr std::uint64_t step_ns(std::size_t level) noexcept {
    return kFirstStepNs << 2 * level;
  }

  // So many bytes are live from now on. `now_ns` is since some beginning; one that is earlier
  // than the last counts as the last.
  void note(std::uint64_t now_ns, double live_bytes) noexcept {
    if (now_ns >= next_ns_) close(now_ns);
    if (now_ns > last_ns_) {
      integral_ += live_ * static_cast<double>(now_ns - last_ns_);
      last_ns_ = now_ns;
    }
    live_ = live_bytes > 0 ? live_bytes : 0;
  }

  // Nothing has changed up to now.
  void advance(std::uint64_t now_ns) noexcept { note(now_ns, live_); }

  [[nodiscard]] const DemandPoints& at(std::size_t level) const noexcept { return levels_[level]; }

 private:
  void close(std::uint64_t now_ns) noexcept;
  void close_level(DemandPoints& points, std::uint64_t steps, std::uint64_t step) noexcept;

  std::uint64_t last_ns_;
  std::uint64_t next_ns_;  // when a point of the first level ends; 0: there is none yet
  double live_;
  double integral_;  // of live bytes over nanoseconds, up to last_ns_
  std::array<DemandPoints, kLevels> levels_;
};

}  // namespace luna
