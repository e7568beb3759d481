// SPDX-License-Identifier: MIT
#include "telemetry/profiler.hpp"

#include "base/align.hpp"
#include "base/math.hpp"
#include "base/mixed.hpp"
#include "heap/allocator.hpp"
#include "os/clock.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"
#include "os/probe.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/reachability.hpp"

#include <array>

namespace luna {

namespace {

// Of the memory for tables, sixteenths: what is left is for the live samples.
constexpr std::size_t kSitesPart = 11;

// Of the sites' part.
constexpr std::size_t kLabelsPart = 32;
constexpr std::size_t kRuntimeFramesPart = 16;

// Each object that is sampled stands for so many: one over the probability of that.
[[nodiscard]] double weight_of(std::uint64_t block_bytes, std::uint64_t interval) noexcept {
  if (interval <= 1) return 1;
  return 1 / one_minus_exp(static_cast<double>(block_bytes) / static_cast<double>(interval));
}

[[nodiscard]] Amount amount_of(const LiveSample& sample, std::uint64_t bytes) noexcept {
  return {1, sample.weight, static_cast<double>(bytes) * sample.weight, bytes, sample.block_bytes};
}

[[nodiscard]] Amount amount_of(const LiveSample& sample) noexcept {
  return amount_of(sample, sample.bytes);
}

[[nodiscard]] Amount allocated_of(const LiveSample& sample) noexcept {
  return amount_of(sample, sample.most_bytes);
}

// A block is known by an odd address while it is moved, when it is none that a tracer knows.
[[nodiscard]] bool is_known_to_tracers(const LiveSample& sample) noexcept {
  return sample.address % 2 == 0;
}

void trace_allocation(const LiveSample& sample) noexcept {
  if (os::traces_allocations() && is_known_to_tracers(sample)) [[unlikely]]
    os::probe_allocation(sample.address, sample.bytes, rounded(amount_of(sample).bytes));
}

void trace_free(const LiveSample& sample) noexcept {
  if (is_known_to_tracers(sample)) os::probe_free(sample.address);
}

// What growth is the difference of.
[[nodiscard]] Growth state_of(const Site& site) noexcept {
  return {site.allocated.objects, site.allocated.bytes, site.live.objects, site.live.bytes};
}

}  // namespace

bool Profiler::start(std::uint64_t interval, const ProfilerLimits& limits) noexcept {
  if (!begin(limits)) return false;
  set_interval(interval);
  return true;
}

void Profiler::stop() noexcept {
  if (begun()) set_interval(0);
}

bool Profiler::begin(const ProfilerLimits& limits) noexcept {
  static_cast<void>(walker_.load());  // else all is one site without a stack
  os::ScopedLock guard(lock_);
  if (begun()) return true;
  const SampleObserver observer = {
      this,
      [](void* self, const SampledBlock& block) noexcept {
        return static_cast<Profiler*>(self)->measure_allocated(block);
      },
      [](void* self, void* memory) noexcept {
        return static_cast<Profiler*>(self)->measure_freed(memory);
      },
      [](void* self, const SampledBlock& block) noexcept {
        return static_cast<Profiler*>(self)->measure_resized(block);
      },
      [](void* self, void* from, void* to) noexcept {
        static_cast<Profiler*>(self)->moved(from, to);
      },
  };
  take_limits(limits);
  if (patterns_ == nullptr) patterns_ = static_cast<Patterns*>(os::map(sizeof(Patterns)));
  if (patterns_ == nullptr || !begin_freed()) return false;
  const std::size_t sites_bytes = limits.table_bytes / 16 * kSitesPart;
  const std::size_t texts_bytes = sites_bytes / kLabelsPart + sites_bytes / kRuntimeFramesPart;
  if (!sites_.begin(sites_bytes - texts_bytes) || !live_.begin(limits.table_bytes - sites_bytes) ||
      !allocator_.begin_sampling(observer))
    return false;
  began_ns_ = os::epoch_nanoseconds();
  started_ns_ = os::nanoseconds();
  marked_ns_ = started_ns_;
  clock_.begin(os::to_milliseconds(started_ns_));
  begun_.store(true, std::memory_order_release);  // pairs with begun()
  return true;
}

// Those that a runtime named stand before the addresses.
std::size_t Profiler::take_stack(std::uintptr_t* frames) noexcept {
  const std::size_t depth = depth_;  // once: it may change meanwhile
  RuntimeStack named;
  if (frame_source_ != nullptr) named = frame_source_(frames, depth);
  if (named.is_whole) return named.depth;
  return named.depth + walker_.walk(frames + named.depth, depth - named.depth, own_code_);
}

bool Profiler::allocated(const SampledBlock& block) noexcept {
  if (is_full()) return drop();  // before the walk, for it would be in vain
  std::array<std::uintptr_t, kMaxDepth> frames;
  const Stack stack = {frames.data(), take_stack(frames.data())};
  LiveSample sample = {address_of(block.memory),
                       block.bytes,
                       block.bytes,
                       block.block_bytes,
                       block.interval,
                       weight_of(block.block_bytes, block.interval),
                       os::nanoseconds(),
                       SiteTable::kNone,
                       static_cast<std::uint8_t>(size_bucket(block.bytes))};
  const std::uint32_t labels = label_source_ != nullptr ? label_source_() : LabelTable::kNone;
  os::ScopedLock guard(lock_);
  if (!live_.is_full()) sample.site = sites_.find_or_add(stack, labels_.at(labels));
  if (sample.site == SiteTable::kNone) return drop();
  if (labels == LabelTable::kLost) unlabelled_.fetch_add(1, std::memory_order_relaxed);
  clock_.note_sample();
  const Moment now = clock_.at(os::to_milliseconds(sample.born_ns));
  sample.born_tick = now.tick;
  Site& site = sites_.at(sample.site);
  sample.thread = patterns_->threads.of_caller();
  live_.insert(sample);
  site.allocated += amount_of(sample);
  site.sizes.add(sample.bucket, sample.weight, noise_);
  peak_.change(site.live, site.peak, {}, amount_of(sample));
  site.history.note_allocated(now, site.live.bytes);
  note_allocated(site, sample);
  triggers_.note(peak_.bytes());
  trace_allocation(sample);
  return true;
}

bool Profiler::is_full() noexcept {
  os::ScopedLock guard(lock_);
  return live_.is_full();
}

bool Profiler::drop() noexcept {
  dropped_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool Profiler::freed(void* memory) noexcept {
  const std::uint64_t now = os::nanoseconds();
  FreedBlock freed;
  if (running()) take_stack_of_free(freed);
  os::ScopedLock guard(lock_);
  LiveSample* sample = live_.find(address_of(memory));
  if (sample == nullptr) return false;
  freed.sample = *sample;
  freed.freed_ns = now;
  Site& site = sites_.at(sample->site);
  const Amount gone = amount_of(*sample);
  peak_.change(site.live, site.peak, gone, {});
  site.lifetimes.add({gone.objects, gone.bytes, now - sample->born_ns}, temporary_ns_, noise_);
  site.history.note(clock_.at(os::to_milliseconds(now)), site.live.bytes);
  note_freed(site, *sample, now);
  trace_free(*sample);
  live_.erase(sample);
  freed.thread = patterns_->threads.of_caller();
  freed_->add(freed);
  return true;
}

// A block that grew counts as if it had been as large from the beginning. What it gained was
// drawn too, if samples are taken as they were then; see Allocator::sample_growth(). One that
// lost pages stays a sample as often as it would be one at its new size: else one that shrinks
// and grows by turns would be drawn each time, and counted far too often.
bool Profiler::resized(const SampledBlock& block) noexcept {
  os::ScopedLock guard(lock_);
  LiveSample* sample = live_.find(address_of(block.memory));
  if (sample == nullptr) return true;
  const Amount before = amount_of(*sample);
  const Amount counted = allocated_of(*sample);
  const bool same_interval = block.interval == sample->interval;
  const bool shrinks = same_interval && block.block_bytes < sample->block_bytes;
  if (same_interval) {
    const double weight = weight_of(block.block_bytes, block.interval);
    if (shrinks && !stays_sampled(sample->weight, weight)) {
      drop_live(*sample);
      return false;
    }
    sample->block_bytes = block.block_bytes;
    sample->weight = weight;
  }
  sample->bytes = block.bytes;
  if (shrinks || block.bytes > sample->most_bytes) sample->most_bytes = block.bytes;
  trace_free(*sample);
  trace_allocation(*sample);
  const Amount now = amount_of(*sample);
  Site& site = sites_.at(sample->site);
  peak_.change(site.live, site.peak, before, now);
  count_size(site, *sample, before.objects);
  note_changed(site, before, now);
  site.history.note(clock_.at(os::to_milliseconds(os::nanoseconds())), site.live.bytes);
  if (shrinks) return true;  // it was allocated as large as it was
  site.allocated -= counted;
  site.allocated += allocated_of(*sample);
  return true;
}

// With the probability of the one size over that of the other. Mixed, since what is spread
// evenly would make one answer follow from the last.
bool Profiler::stays_sampled(double weight, double new_weight) noexcept {
  const double uniform = static_cast<double>(mixed(noise_.next()) >> 11) * 0x1p-53;
  return uniform * new_weight < weight;
}

// The block goes on, but those that stay samples stand for it.
void Profiler::drop_live(LiveSample& sample) noexcept {
  Site& site = sites_.at(sample.site);
  peak_.change(site.live, site.peak, amount_of(sample), {});
  site.sizes.add(sample.bucket, -sample.weight, noise_);
  site.history.note(clock_.at(os::to_milliseconds(os::nanoseconds())), site.live.bytes);
  trace_free(sample);
  live_.erase(&sample);
}

// A block counts with the largest size that it had where it lies.
void Profiler::count_size(Site& site, LiveSample& sample, double old_weight) noexcept {
  const auto bucket = static_cast<std::uint8_t>(size_bucket(sample.bytes));
  site.sizes.add(sample.bucket, -old_weight, noise_);
  if (bucket > sample.bucket) sample.bucket = bucket;
  site.sizes.add(sample.bucket, sample.weight, noise_);
}

void Profiler::moved(void* from, void* to) noexcept {
  os::ScopedLock guard(lock_);
  LiveSample* sample = live_.find(address_of(from));
  if (sample == nullptr) return;
  LiveSample now = *sample;
  now.address = address_of(to);
  trace_free(*sample);
  live_.erase(sample);
  live_.insert(now);  // tracers are told when it is resized, which follows
}

void Profiler::mark() noexcept {
  os::ScopedLock guard(lock_);
  for (std::uint32_t i = 0; i < sites_.count(); ++i) sites_.at(i).mark = state_of(sites_.at(i));
  marked_ns_ = os::nanoseconds();
}

ProfileRow Profiler::row_of(Site& site, std::uint64_t age_ms) const noexcept {
  Growth growth = state_of(site);
  growth -= site.mark;
  const Amount& peak = peak_.amount_of(site.live, site.peak);
  return {site.stack, site.allocated, site.live,
          peak,       growth,         site.lifetimes,
          site.sizes, site.labels,    activity_of(site, age_ms)};
}

bool Profiler::take_snapshot(Profile& profile) noexcept {
  os::ScopedLock guard(lock_);
  profile.interval_bytes = last_interval_.load(std::memory_order_relaxed);
  profile.began_ns = began_ns_;
  profile.duration_ns = begun() ? os::nanoseconds() - started_ns_ : 0;
  profile.marked_ns = marked_ns_ - started_ns_;
  profile.temporary_ns = temporary_ns_;
  profile.max_depth = depth_;
  profile.dropped_samples = dropped_.load(std::memory_order_relaxed);
  profile.cost = share_.cost();
  profile.unlabelled_samples = unlabelled_.load(std::memory_order_relaxed);
  profile.refused_frame_names = runtime_frames_.refused();
  if (!copy_patterns(profile)) return false;
  const std::uint32_t count = sites_.count();
  if (count == 0) return true;
  auto* rows = static_cast<ProfileRow*>(os::map(count * sizeof(ProfileRow)));
  if (rows == nullptr) return false;
  const std::uint64_t age_ms = os::to_milliseconds(profile.duration_ns);
  for (std::uint32_t i = 0; i < count; ++i) rows[i] = row_of(sites_.at(i), age_ms);
  profile.rows = rows;
  profile.count = count;
  return true;
}

void Profiler::drop_snapshot(Profile& profile) noexcept {
  if (profile.patterns != nullptr)
    os::release(const_cast<Patterns*>(profile.patterns), sizeof(Patterns));
  profile.patterns = nullptr;
  if (profile.rows == nullptr) return;
  os::release(const_cast<ProfileRow*>(profile.rows), profile.count * sizeof(ProfileRow));
  profile.rows = nullptr;
}

std::size_t Profiler::walk_from(const Registers& start, std::uintptr_t* frames,
                                std::size_t depth) noexcept {
  if (depth == 0) return 0;
  frames[0] = start.ip + 1;  // as walks give those that were interrupted
  return 1 + walker_.walk_from(start, frames + 1, depth - 1);
}

int Profiler::prove(Reachability& proof) noexcept {
  wipe_stack();
  if (!begun()) return os::kNothingThere;
  // pairs with the release below: one after the other
  if (proving_.exchange(true, std::memory_order_acquire)) return os::kBusy;
  const AddressRange own = {address_of(this), address_of(this + 1)};
  const int error = proof.run({allocator_, lock_, live_, {&own, 1}});
  if (error == 0) {
    os::ScopedLock guard(lock_);
    proof.keep_if([this](Leak& leak) noexcept {
      const LiveSample* sample = live_.find(leak.address);
      if (sample == nullptr || sample->born_ns != leak.born_ns) return false;
      leak.bytes = sample->bytes;
      leak.weight = sample->weight;
      leak.site = sample->site;
      leak.stack = sites_.at(sample->site).stack;
      return true;
    });
  }
  proving_.store(false, std::memory_order_release);  // pairs with the acquire above
  return error;
}

// What was live when the process forked is live in the child too; its draws are its own.
void Profiler::resume_child() noexcept {
  labels_.resume_child();
  runtime_frames_.resume_child();
  lock_.reset_in_child();
  proving_.store(false, std::memory_order_relaxed);
  if (patterns_ != nullptr) patterns_->threads.keep_caller();
  triggers_.resume_child();
  if (running()) set_interval(share_.asked());
}

}  // namespace luna
