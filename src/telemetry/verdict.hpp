// SPDX-License-Identifier: MIT
// Whether a site leaks: judged by the shape of its history, beyond what sampling can fake.
// docs/telemetry.md has the mathematics.
#pragma once

#include "base/format.hpp"
#include "telemetry/leak_profile.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

enum class LeakClass : std::uint8_t {
  kLost,     // nothing points to it
  kLeak,     // grows all the time, and hardly anything of it is freed
  kGrows,    // grows all the time, though some of it is freed
  kPlateau,  // grew, and has levelled off: a cache
  kBurst,    // grew once, early, and stays: tables, settings, start-up
  kSteady    // nothing that would stand out
};

[[nodiscard]] std::string_view name_of(LeakClass leak_class) noexcept;

inline constexpr std::size_t kLeakClasses = 6;

// Those that ought to be looked at.
[[nodiscard]] constexpr bool is_suspect(LeakClass leak_class) noexcept {
  return leak_class <= LeakClass::kGrows;
}

struct LeakVerdict {
  LeakClass leak_class = LeakClass::kSteady;
  double confidence = 0;  // 0 to 1, that it is of this class
  double score = 0;       // for the order: bytes gained, by confidence and age
  double from_bytes = 0;  // the least that was live at the beginning and at the end
  double to_bytes = 0;
  std::size_t rises = 0;        // how often a slot was above the one before it
  std::size_t slots = 0;        // of the history
  std::size_t reached = 0;      // the slot in which nearly all of the growth was there
  bool is_open = false;         // steady: it may grow, and there is too little to tell
  double freed_share = 0;       // of the bytes that were allocated
  std::uint64_t age_ms = 0;     // of the site
  std::uint64_t oldest_ms = 0;  // how old its oldest sample is
  LostAmount lost;
};

[[nodiscard]] LeakVerdict judge(const LeakRow& row, const Moment& began,
                                const Moment& now) noexcept;

// One sentence, without its full stop, that says why.
void add_reason(Text& text, const LeakVerdict& verdict) noexcept;

// 340 ms, 12 s, 14 min, 3 h, 2 d
void add_duration(Text& text, std::uint64_t milliseconds) noexcept;

}  // namespace luna
