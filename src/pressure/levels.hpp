// SPDX-License-Identifier: MIT
// From what was read of limits and stalls to a level of pressure, and where it comes from. Pure:
// reads nothing by itself. pressure.hpp does that.
#pragma once

#include "base/relaxed.hpp"
#include "os/memory_limit.hpp"
#include "os/pressure_stall.hpp"

#include <lunalloc/pressure.h>

#include <cstdint>

namespace luna {

// In percent of a limit; none is less than the one before, but while they change.
struct PressureThresholds {
  [[nodiscard]] double of(luna_pressure_level level) const noexcept {
    if (level == LUNA_PRESSURE_CRITICAL) return critical;
    return level == LUNA_PRESSURE_MODERATE ? moderate : low;
  }

  Relaxed<double> low = 70;
  Relaxed<double> moderate = 85;
  Relaxed<double> critical = 95;
};

// The level of one source. It rises with the use at once, and falls only when that is well
// below. Threads: one at a time.
class PressureLadder {
 public:
  static constexpr double kFall = 5;  // percentage points

  luna_pressure_level note(double percent, const PressureThresholds& thresholds) noexcept;

 private:
  luna_pressure_level level_ = LUNA_PRESSURE_NONE;
};

// What somebody told who watches for pressure: see event_sources.hpp.
struct PressureSign {
  bool is_told = false;
  luna_pressure_level level = LUNA_PRESSURE_NONE;  // NONE: it only asks for a look
  luna_pressure_source source = LUNA_PRESSURE_FROM_NOTHING;
};

// What was seen at one look.
struct PressureReading {
  os::LimitUse limit;           // the nearest, of cgroups and rlimits
  std::uint64_t own_bytes = 0;  // the heap's
  std::uint64_t own_limit = 0;  // 0: none is set
  os::PressureStall stall;
  bool is_own_stall = false;  // of the process's cgroup, not of the whole machine
  bool refused = false;       // an allocation failed lately
  PressureSign sign;          // what was told lately
};

struct PressureState {
  luna_pressure_level level = LUNA_PRESSURE_NONE;
  luna_pressure_source source = LUNA_PRESSURE_FROM_NOTHING;
  std::uint64_t used = 0;
  std::uint64_t limit = 0;
};

// Threads: one at a time.
class PressureLevels {
 public:
  // The highest level of all sources; of equals that which tells a use and a limit.
  PressureState note(const PressureReading& reading, const PressureThresholds& thresholds) noexcept;

 private:
  [[nodiscard]] luna_pressure_level note_stall(const PressureReading& reading) noexcept;

  PressureLadder limit_;
  PressureLadder own_;
  PressureLadder some_;
  PressureLadder full_;
};

}  // namespace luna
