// SPDX-License-Identifier: MIT
// What the profiler notes of threads, of demand over time and of the recent past, with each
// sample. For the rest see profiler.cpp.
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "telemetry/profiler.hpp"

#include <bit>
#include <cstring>

namespace luna {

// Of two threads the later may have looked at the clock first.
std::uint64_t Profiler::age_ns(std::uint64_t now_ns) const noexcept {
  return now_ns > started_ns_ ? now_ns - started_ns_ : 0;
}

// Requires: the lock is held, and peak_ knows of the block.
void Profiler::note_allocated(Site& site, const LiveSample& sample) noexcept {
  const std::uint64_t age = age_ns(sample.born_ns);
  const double bytes = static_cast<double>(sample.bytes) * sample.weight;
  site.recent.note_allocated(os::to_milliseconds(age), sample.weight, bytes);
  patterns_->demand.note(age, peak_.bytes());
}

// The same of a block that was resized.
void Profiler::note_changed(Site& site, const Amount& before, const Amount& after) noexcept {
  const std::uint64_t age = age_ns(os::nanoseconds());
  patterns_->demand.note(age, peak_.bytes());
  if (after.bytes > before.bytes)
    site.recent.correct(os::to_milliseconds(age), after.objects - before.objects,
                        after.bytes - before.bytes);
}

// The same of one that was freed.
void Profiler::note_freed(Site& site, const LiveSample& sample, std::uint64_t now_ns) noexcept {
  const std::uint64_t age = age_ns(now_ns);
  const double bytes = static_cast<double>(sample.bytes) * sample.weight;
  const auto lifetime = static_cast<double>(now_ns - sample.born_ns);
  site.recent.note_freed(os::to_milliseconds(age), sample.weight, lifetime);
  patterns_->demand.note(age, peak_.bytes());
  const std::uint32_t thread = patterns_->threads.of_caller();
  patterns_->pairs.add(sample.thread, thread, sample.weight, bytes);
  if (thread == 0 || sample.thread == 0 || thread == sample.thread) return;
  site.elsewhere_bytes =
      rounded_at_random(static_cast<double>(site.elsewhere_bytes) + bytes, noise_);
}

SiteActivity Profiler::activity_of(Site& site, std::uint64_t age_ms) const noexcept {
  SiteActivity activity;
  activity.elsewhere_bytes = static_cast<double>(site.elsewhere_bytes);
  activity.recent = site.recent.at(age_ms);
  const std::uint64_t since = site.recent.since_ms();
  const std::uint64_t first = age_ns(site.history.first_ms() * 1'000'000) / 1'000'000;
  activity.recent_ms = age_ms > since ? age_ms - since : 0;
  activity.past_ms = since > first ? since - first : 0;
  activity.slots = site.history.count();
  activity.busy_slots = static_cast<std::size_t>(std::popcount(site.history.allocated_in()));
  return activity;
}

// False: no memory.
bool Profiler::copy_patterns(Profile& profile) noexcept {
  if (patterns_ == nullptr) return true;
  void* copy = os::map(sizeof(Patterns));
  if (copy == nullptr) return false;
  patterns_->demand.advance(profile.duration_ns);
  std::memcpy(copy, patterns_, sizeof(Patterns));
  profile.patterns = static_cast<const Patterns*>(copy);
  return true;
}

void Profiler::end_thread() noexcept {
  if (!begun()) return;
  os::ScopedLock guard(lock_);
  patterns_->threads.forget(os::thread_key());
}

}  // namespace luna
