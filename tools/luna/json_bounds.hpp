// SPDX-License-Identifier: MIT
// How much of a JSON text that somebody else wrote is kept as objects in memory.
#pragma once

#include <cstddef>

namespace luna::tool {

// For the callback of a parser; what it refuses is left out. Values and keys take many times their
// bytes, and what lies deep would exhaust the stack of who writes it again.
class JsonBounds {
 public:
  [[nodiscard]] bool allow(int depth) noexcept {
    is_full_ = is_full_ || ++values_ > kMostValues;
    return !is_full_ && depth <= kDeepest;
  }
  [[nodiscard]] bool is_full() const noexcept { return is_full_; }

 private:
  static constexpr std::size_t kMostValues = std::size_t{1}
                                             << 24;  // a site of a report has some hundreds
  static constexpr int kDeepest = 16;

  std::size_t values_ = 0;
  bool is_full_ = false;
};

}  // namespace luna::tool
