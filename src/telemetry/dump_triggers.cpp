// SPDX-License-Identifier: MIT
#include "telemetry/dump_triggers.hpp"

namespace luna {

void DumpTriggers::note(double live_bytes) noexcept {
  if (dumped_.load() && dumped_.exchange(false)) {
    dumped_bytes_ = live_bytes_;
    if (live_bytes_ > dumped_peak_) dumped_peak_ = live_bytes_;
  }
  live_bytes_ = live_bytes;
  const auto growth = static_cast<double>(std::uint64_t{growth_bytes_});
  const double factor = 1 + static_cast<double>(std::uint64_t{peak_percent_}) / 100;
  const bool grew = growth > 0 && live_bytes >= dumped_bytes_ + growth;
  const bool is_peak = factor > 1 && live_bytes > dumped_peak_ * factor;
  if (grew || is_peak) due_.store(true);
}

// What is measured from is moved before anything can be due again.
bool DumpTriggers::begin_dump() noexcept {
  if (dumping_.load() || dumping_.exchange(true)) return false;
  dumped_.store(true);
  if (due_.exchange(false)) return true;
  dumping_.store(false);
  return false;
}

}  // namespace luna
