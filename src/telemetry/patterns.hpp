// SPDX-License-Identifier: MIT
// What the profiler notes of the process as a whole, beside its sites.
#pragma once

#include "telemetry/demand_series.hpp"
#include "telemetry/thread_numbers.hpp"
#include "telemetry/thread_pairs.hpp"

namespace luna {

// All zeros at first, as the kernel gives memory.
struct Patterns {
  ThreadNumbers threads;
  ThreadPairs pairs;
  DemandSeries demand;  // by the time since profiling began
};

}  // namespace luna
