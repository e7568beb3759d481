// SPDX-License-Identifier: MIT
// The part of the profiler that hands out histories, for leak_report.hpp.
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "telemetry/profiler.hpp"
#include "telemetry/reachability.hpp"

#include <new>

namespace luna {

namespace {

void add_loss(LostAmount& lost, const Leak& leak) noexcept {
  const double bytes = static_cast<double>(leak.bytes) * leak.weight;
  lost.objects += leak.weight;
  lost.bytes += bytes;
  if (leak.indirect) lost.indirect_bytes += bytes;
  if (leak.grade == LeakGrade::kDefinite) lost.is_definite = true;
}

}  // namespace

bool Profiler::take_leaks(LeakProfile& profile, const Reachability* proof) noexcept {
  os::ScopedLock guard(lock_);
  profile.interval_bytes = last_interval_.load(std::memory_order_relaxed);
  profile.dropped_samples = dropped_.load(std::memory_order_relaxed);
  profile.now = clock_.at(os::to_milliseconds(os::nanoseconds()));
  profile.began = clock_.began();
  const std::uint32_t count = sites_.count();
  if (count == 0) return true;
  auto* rows = static_cast<LeakRow*>(os::map(count * sizeof(LeakRow)));
  if (rows == nullptr) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Site& site = sites_.at(i);
    ::new (rows + i)
        LeakRow{site.stack, site.allocated, site.live, site.history, {}, {}, site.labels};
    rows[i].history.advance(profile.now);
  }
  live_.for_each([&](const LiveSample& sample) {
    const double bytes = static_cast<double>(sample.bytes) * sample.weight;
    rows[sample.site].note_age({os::to_milliseconds(sample.born_ns), sample.born_tick}, bytes);
  });
  profile.is_proved = proof != nullptr;
  if (proof != nullptr)
    for (const Leak& leak : proof->leaks()) add_loss(rows[leak.site].lost, leak);
  profile.rows = rows;
  profile.count = count;
  return true;
}

void Profiler::drop_leaks(LeakProfile& profile) noexcept {
  if (profile.rows == nullptr) return;
  os::release(const_cast<LeakRow*>(profile.rows), profile.count * sizeof(LeakRow));
  profile.rows = nullptr;
}

}  // namespace luna
