// SPDX-License-Identifier: MIT
// How much memory of a site was live over time, in a few points whose distance grows with
// the time that they cover: what verdict.hpp tells a leak by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

// By two clocks: that of the wall, for people, and one that goes by work.
struct Moment {
  std::uint64_t ms = 0;
  std::uint32_t tick = 0;
};

// A tick for each sample that is taken, and one for each 100 ms that pass. In a busy process
// growth is thus seen against what is allocated, so that a pause, a slow machine or a quiet
// night does not bend its shape; in one that has ceased to allocate, against time.
class WorkClock {
 public:
  void begin(std::uint64_t now_ms) noexcept { began_ms_ = now_ms; }
  void note_sample() noexcept { ++samples_; }
  [[nodiscard]] Moment began() const noexcept { return {began_ms_, 0}; }

  [[nodiscard]] Moment at(std::uint64_t now_ms) const noexcept {
    const std::uint64_t ms = now_ms > began_ms_ ? now_ms - began_ms_ : 0;
    const std::uint64_t tick = samples_ + ms / kMillisecondsPerTick;
    return {now_ms, tick < UINT32_MAX ? static_cast<std::uint32_t>(tick) : UINT32_MAX};
  }

 private:
  static constexpr std::uint64_t kMillisecondsPerTick = 100;

  std::uint64_t began_ms_ = 0;
  std::uint64_t samples_ = 0;
};

// Begins with the first note. When all slots are taken, each two neighbours become one, and
// a slot covers twice as many ticks as before.
//
// An object that is all zeros is one that has not begun. Threads: guarded by the profiler.
class SiteHistory {
 public:
  static constexpr std::size_t kSlots = 16;

  struct Slot {
    float low;   // the least bytes that were live at any time in it
    float high;  // and the most
  };

  // So many bytes are live from now on. In constant time, but for a merge now and then. Of
  // two threads the later may have looked at the clock first; its note counts as now.
  void note(const Moment& now, double live_bytes) noexcept;

  // The same, and a block was allocated.
  void note_allocated(const Moment& now, double live_bytes) noexcept;

  // Nothing has changed up to now: what was live holds on.
  void advance(const Moment& now) noexcept;

  [[nodiscard]] bool begun() const noexcept { return begun_; }
  [[nodiscard]] std::size_t count() const noexcept { return begun_ ? current_ + 1U : 0; }
  [[nodiscard]] const Slot& operator[](std::size_t slot) const noexcept { return slots_[slot]; }
  [[nodiscard]] double last() const noexcept { return last_; }

  // The slot that a moment lies in, which is one of those that there are.
  [[nodiscard]] std::size_t slot_of(std::uint32_t tick) const noexcept;

  // A bit for each slot in which a block was allocated.
  [[nodiscard]] std::uint16_t allocated_in() const noexcept { return allocated_in_; }

  [[nodiscard]] std::uint64_t first_ms() const noexcept { return first_ms_; }
  [[nodiscard]] std::uint32_t first_tick() const noexcept { return first_tick_; }

 private:
  void begin(const Moment& now, float live_bytes) noexcept;
  void merge() noexcept;

  std::array<Slot, kSlots> slots_;
  float last_;
  std::uint32_t first_tick_;
  std::uint64_t first_ms_;
  std::uint16_t allocated_in_;
  std::uint8_t shift_;  // a slot covers 2^shift ticks
  std::uint8_t current_;
  bool begun_;
};

}  // namespace luna
