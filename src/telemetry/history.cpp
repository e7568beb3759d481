// SPDX-License-Identifier: MIT
#include "telemetry/history.hpp"

namespace luna {

namespace {

// Sums of floating-point numbers may end a little below zero.
[[nodiscard]] float as_level(double bytes) noexcept {
  return bytes > 0 ? static_cast<float>(bytes) : 0.0F;
}

}  // namespace

void SiteHistory::note(const Moment& now, double live_bytes) noexcept {
  const float level = as_level(live_bytes);
  if (!begun_) return begin(now, level);
  advance(now);
  Slot& slot = slots_[current_];
  if (level < slot.low) slot.low = level;
  if (level > slot.high) slot.high = level;
  last_ = level;
}

void SiteHistory::note_allocated(const Moment& now, double live_bytes) noexcept {
  note(now, live_bytes);
  allocated_in_ = static_cast<std::uint16_t>(allocated_in_ | 1U << current_);
}

void SiteHistory::begin(const Moment& now, float live_bytes) noexcept {
  begun_ = true;
  first_ms_ = now.ms;
  first_tick_ = now.tick;
  last_ = live_bytes;
  slots_[0] = {live_bytes, live_bytes};
}

void SiteHistory::advance(const Moment& now) noexcept {
  if (!begun_ || now.tick < first_tick_) return;
  while ((now.tick - first_tick_) >> shift_ >= kSlots) merge();
  const std::uint32_t slot = (now.tick - first_tick_) >> shift_;
  while (current_ < slot) slots_[++current_] = {last_, last_};
}

void SiteHistory::merge() noexcept {
  std::uint16_t allocated_in = 0;
  for (std::size_t i = 0; i <= current_; ++i) {
    const Slot& from = slots_[i];
    Slot& to = slots_[i / 2];
    if (i % 2 == 0) {
      to = from;
    } else {
      if (from.low < to.low) to.low = from.low;
      if (from.high > to.high) to.high = from.high;
    }
    if ((allocated_in_ >> i & 1) != 0)
      allocated_in = static_cast<std::uint16_t>(allocated_in | 1U << i / 2);
  }
  allocated_in_ = allocated_in;
  current_ = static_cast<std::uint8_t>(current_ / 2);
  ++shift_;
}

std::size_t SiteHistory::slot_of(std::uint32_t tick) const noexcept {
  if (tick <= first_tick_) return 0;
  const std::uint32_t slot = (tick - first_tick_) >> shift_;
  return slot < current_ ? slot : current_;
}

}  // namespace luna
