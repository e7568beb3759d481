// SPDX-License-Identifier: MIT
// What the profiler costs: the time and the memory that it takes, and the interval that keeps
// the time below its cap.
#include "heap/allocator.hpp"
#include "os/clock.hpp"
#include "os/memory.hpp"
#include "telemetry/profiler.hpp"

namespace luna {

namespace {

// A quarter more than the clock saw: the way to it, and what a sample drives out of the
// processor's caches. Measured, it is a tenth to four tenths.
[[nodiscard]] constexpr std::uint64_t with_unseen(std::uint64_t spent_ns) noexcept {
  return spent_ns + spent_ns / 4;
}

// Feeds the time of a scope.
class Measured {
 public:
  explicit Measured(CpuShare& share) noexcept
      : share_(share), begin_ns_(share.on() ? os::nanoseconds() : 0) {}
  ~Measured() {
    if (begin_ns_ != 0) share_.note(with_unseen(os::nanoseconds() - begin_ns_));
  }

  Measured(const Measured&) = delete;
  Measured& operator=(const Measured&) = delete;

 private:
  CpuShare& share_;
  std::uint64_t begin_ns_;
};

}  // namespace

// The interval changes here alone, for here no lock is held, and whoever allocates may find
// another interval at any time.
bool Profiler::measure_allocated(const SampledBlock& block) noexcept {
  if (!share_.on()) return allocated(block);
  const std::uint64_t begin_ns = os::nanoseconds();
  const bool kept = allocated(block);
  const std::uint64_t end_ns = os::nanoseconds();
  share_.note(with_unseen(end_ns - begin_ns));
  if (share_.is_due(end_ns)) [[unlikely]]
    review_interval();
  return kept;
}

bool Profiler::measure_freed(void* memory) noexcept {
  const Measured measured(share_);
  return freed(memory);
}

bool Profiler::measure_resized(const SampledBlock& block) noexcept {
  const Measured measured(share_);
  return resized(block);
}

void Profiler::review_interval() noexcept {
  os::ScopedLock guard(lock_);
  if (!running()) return;
  const std::uint64_t interval = share_.review(os::nanoseconds(), os::process_cpu_nanoseconds());
  if (interval != this->interval()) apply_interval(interval);
}

// Requires: the lock is held.
void Profiler::take_limits(const ProfilerLimits& limits) noexcept {
  depth_ = limits.depth < kMaxDepth ? limits.depth : kMaxDepth;
  temporary_ns_ = limits.temporary_ns;
  cpu_percent_ = limits.cpu_percent;
}

void Profiler::change_limits(const ProfilerLimits& limits) noexcept {
  os::ScopedLock guard(lock_);
  const bool is_new_share = limits.cpu_percent != cpu_percent_;
  take_limits(limits);
  if (!running() || !is_new_share) return;
  const std::uint64_t interval = share_.asked();
  share_.begin(interval, cpu_percent_, os::nanoseconds(), os::process_cpu_nanoseconds());
  apply_interval(interval);
}

void Profiler::set_interval(std::uint64_t interval) noexcept {
  os::ScopedLock guard(lock_);  // lest one thread begin and another end at once
  share_.begin(interval, cpu_percent_, os::nanoseconds(), os::process_cpu_nanoseconds());
  apply_interval(interval);
}

// Requires: the lock is held.
void Profiler::apply_interval(std::uint64_t interval) noexcept {
  interval_.store(interval, std::memory_order_relaxed);
  if (interval != 0) last_interval_.store(interval, std::memory_order_relaxed);
  allocator_.set_sampling_interval(interval, os::nanoseconds() ^ address_of(this));
}

ProfilerUsage Profiler::usage() noexcept {
  if (!begun()) return {};
  os::ScopedLock guard(lock_);
  const std::size_t touched = os::resident_bytes(sites_.memory(), sites_.bytes()) +
                              os::resident_bytes(live_.memory(), live_.bytes());
  return {touched, sites_.bytes() + live_.bytes(), live_.count(), sites_.count(),
          dropped_.load(std::memory_order_relaxed)};
}

LiveBytes Profiler::live_bytes() noexcept {
  LiveBytes result;
  if (!begun()) return result;
  os::ScopedLock guard(lock_);
  live_.for_each([&](const LiveSample& sample) noexcept {
    ++result.samples;
    result.requested += sample.weight * static_cast<double>(sample.bytes);
    result.blocks += sample.weight * static_cast<double>(sample.block_bytes);
  });
  return result;
}

}  // namespace luna
