// SPDX-License-Identifier: MIT
#include "telemetry/recent.hpp"

namespace luna {

void RecentTally::roll(std::uint32_t unit, unsigned shift) noexcept {
  // Two windows become one where the next length has no bound between them.
  while (shift_ < shift) {
    if (window_ % 2 == 1) {
      open_ += before_;
      before_ = {};
    }
    window_ /= 2;
    shift_ = (shift_ + 1) & 7;
  }
  const std::uint32_t window = unit >> shift_;
  if (window <= window_) return;
  const bool follows = window == window_ + 1;
  before_ = follows ? open_ : Tally{};
  // The open one may have begun later than its window, where the one before it was merged.
  const std::uint32_t begin = (window - 1) << shift_;
  if (since_ < begin) since_ = begin & 0x1FFFFFFF;
  open_ = {};
  window_ = window;
}

}  // namespace luna
