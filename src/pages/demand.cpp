// SPDX-License-Identifier: MIT
// A wave is a rise of demand with a fall behind it. After three waves the next one is
// waited for about as long as it took the last ones to come.
#include "pages/demand.hpp"

#include "base/check.hpp"

namespace luna {

namespace {

// A smaller rise is no wave: so much may lie dirty anyway (8 MiB).
constexpr std::size_t kMinSwing = 2048;

constexpr int kWavesToExpectMore = 3;

// Waves further apart are not waited for, since memory that nobody wants shall be gone
// after five decay times; and the faults of waves so rare are a hundredth of the time.
constexpr std::uint64_t longest_interval(std::uint64_t decay_ms) noexcept {
  return decay_ms * 9 / 2;
}

[[nodiscard]] constexpr std::size_t larger(std::size_t one, std::size_t other) noexcept {
  return one > other ? one : other;
}

}  // namespace

std::size_t Demand::recent_peak() const noexcept {
  return larger(larger(high_, expected_), larger(peak_, last_peak_));
}

void Demand::look(std::uint64_t now_ms, std::uint64_t decay_ms, std::size_t used) noexcept {
  peak_ = larger(peak_, high_);
  follow(now_ms, decay_ms, used);
  high_ = used;
  if (now_ms - peak_began_ms_ < decay_ms) return;
  peak_began_ms_ = now_ms;
  last_peak_ = peak_;
  peak_ = used;
}

void Demand::follow(std::uint64_t now_ms, std::uint64_t decay_ms, std::size_t used) noexcept {
  const std::uint64_t since_ms = now_ms - rose_ms_;
  // Half the last fall, lest ripples between waves count as such.
  const std::size_t fall = waves_ == 0 ? 0 : top_ - low_;
  if (!up_ && high_ >= low_ + larger(kMinSwing, fall / 2)) {
    if (since_ms > longest_interval(decay_ms)) waves_ = 0;
    begin_wave(now_ms, fall);
  } else if (since_ms > patience_ms(decay_ms)) {
    waves_ = 0;
    up_ = false;  // what rose so long ago has come to stay
    low_ = used;
  }
  if (up_) {
    top_ = larger(top_, high_);
    up_ = used + larger(kMinSwing, last_fall_ / 2) > top_;
    if (!up_) low_ = used;
  } else if (used < low_) {
    low_ = used;
  }
  expected_ = waves_ < kWavesToExpectMore ? 0 : larger(top_, last_top_);
}

// How long the next wave may take to come.
std::uint64_t Demand::patience_ms(std::uint64_t decay_ms) const noexcept {
  const std::uint64_t longest = longest_interval(decay_ms);
  const std::uint64_t period = larger(interval_ms_, last_interval_ms_);
  if (waves_ < kWavesToExpectMore || period > longest) return longest;
  return period + period / 16 + decay_ms / 10 + (longest - period) / 4;
}

void Demand::begin_wave(std::uint64_t now_ms, std::size_t fall) noexcept {
  up_ = true;
  last_fall_ = fall;
  last_top_ = waves_ == 0 ? 0 : top_;
  top_ = low_;
  last_interval_ms_ = waves_ < 2 ? 0 : interval_ms_;
  interval_ms_ = waves_ == 0 ? 0 : now_ms - rose_ms_;
  if (waves_ < kWavesToExpectMore) ++waves_;
  rose_ms_ = now_ms;
}

}  // namespace luna
