// SPDX-License-Identifier: MIT
// A profile of the heap at one moment: for each site, a stack that blocks were allocated
// from, what was sampled there and how much that stands for. The encoders read it.
#pragma once

#include "telemetry/block_sizes.hpp"
#include "telemetry/labels.hpp"
#include "telemetry/lifetimes.hpp"
#include "telemetry/profile_kind.hpp"
#include "telemetry/recent.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Addresses of code that was on the stack, those of the innermost function first. Each but
// the first points behind a call; and so does the first, unless the kernel put it there.
// Frames that a runtime named may stand before them, or in their place: see runtime_frame.hpp.
struct Stack {
  const std::uintptr_t* frames = nullptr;
  std::size_t depth = 0;
};

// Objects and bytes, both counted as sampled and estimated for all of the program.
struct Amount {
  std::uint64_t samples = 0;
  double objects = 0;
  double bytes = 0;                 // that the program asked for
  std::uint64_t sampled_bytes = 0;  // asked for by the samples themselves
  std::uint64_t block_bytes = 0;    // that the samples' blocks have, and were sampled by

  Amount& operator+=(const Amount& other) noexcept {
    samples += other.samples;
    objects += other.objects;
    bytes += other.bytes;
    sampled_bytes += other.sampled_bytes;
    block_bytes += other.block_bytes;
    return *this;
  }
  Amount& operator-=(const Amount& other) noexcept {
    samples -= other.samples;
    objects -= other.objects;
    bytes -= other.bytes;
    sampled_bytes -= other.sampled_bytes;
    block_bytes -= other.block_bytes;
    return *this;
  }
};

// Estimates of one moment, or the difference of two.
struct Growth {
  double allocated_objects = 0;
  double allocated_bytes = 0;
  double live_objects = 0;
  double live_bytes = 0;

  Growth& operator-=(const Growth& other) noexcept {
    allocated_objects -= other.allocated_objects;
    allocated_bytes -= other.allocated_bytes;
    live_objects -= other.live_objects;
    live_bytes -= other.live_bytes;
    return *this;
  }
};

// What a site does now, to be held against its past.
struct SiteActivity {
  Tally recent;                 // in the last recent_ms
  std::uint64_t recent_ms = 0;  // 0: it is not known
  std::uint64_t past_ms = 0;    // from the site's first sample up to then
  std::size_t slots = 0;        // parts of its history
  std::size_t busy_slots = 0;   // in which it allocated
  double elsewhere_bytes = 0;   // that other threads freed than those that allocated them
};

struct Patterns;

struct ProfileRow {
  Stack stack;
  Amount allocated{};  // since profiling began
  Amount live{};       // of it, not freed yet
  Amount peak{};       // that lived when the bytes of all sites were most
  Growth growth{};     // since the mark, or since profiling began
  Lifetimes lifetimes{};
  BlockSizes sizes{};  // of what was allocated
  Labels labels{};     // of the threads that allocated it
  SiteActivity activity{};
};

// What taking the samples cost, and what was done about it. CPU time is that of the windows that
// have ended; where nothing is measured, both are 0.
struct SamplingCost {
  std::uint64_t asked_interval = 0;
  std::uint64_t widened = 0;      // how often the interval was made wider
  std::uint64_t sampling_ns = 0;  // spent on samples
  std::uint64_t cpu_ns = 0;       // that the process used meanwhile, with these
};

struct Profile {
  ProfileKind kind = ProfileKind::kHeap;  // what it was asked for; it has all
  std::string_view first_column{};        // that readers show at first; empty: that of the kind
  const ProfileRow* rows = nullptr;
  std::size_t count = 0;
  std::uint64_t interval_bytes = 0;  // one sample for so many bytes, on the average
  std::uint64_t began_ns = 0;        // since the epoch
  std::uint64_t duration_ns = 0;
  std::uint64_t dropped_samples = 0;      // for lack of room in the tables
  std::uint64_t unlabelled_samples = 0;   // whose labels found no room
  std::uint64_t refused_frame_names = 0;  // of runtimes, that found no room
  std::size_t max_depth = 0;              // stacks were cut at so many frames; 0: they were not
  std::uint64_t marked_ns = 0;            // when growth begins, after the beginning
  std::uint64_t temporary_ns = 0;         // what lives no longer is temporary
  SamplingCost cost{};
  const Patterns* patterns = nullptr;  // of all sites; nullptr: there is none
};

}  // namespace luna
