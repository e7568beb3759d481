// SPDX-License-Identifier: MIT
// The bytes that libFuzzer hands in, read one after another: what comes first is decided first, so
// that a longer input begins as the shorter one did. At the end there are zeros.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace luna::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : next_(data), left_(size) {}

  [[nodiscard]] bool empty() const { return left_ == 0; }

  // Of what is left, without a byte being read: so a choice more needs no new seeds.
  [[nodiscard]] bool is_odd() const { return left_ % 2 != 0; }

  [[nodiscard]] std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *next_++;
  }

  // Of so many bytes, the lowest first.
  [[nodiscard]] std::uint64_t number(unsigned bytes) {
    std::uint64_t result = 0;
    for (unsigned i = 0; i < bytes; ++i) result |= std::uint64_t{byte()} << 8 * i;
    return result;
  }

  // A number below `end`. Requires: `end` > 0.
  [[nodiscard]] std::size_t below(std::size_t end) {
    const unsigned bytes = end <= 0x100 ? 1 : end <= 0x10000 ? 2 : 8;
    return static_cast<std::size_t>(number(bytes) % end);
  }

  [[nodiscard]] bool flag() { return (byte() & 1) != 0; }

  // So many bytes, or as many as there are; in memory of their own, so that AddressSanitizer sees
  // who reads beyond them.
  [[nodiscard]] std::string text(std::size_t bytes) {
    const std::size_t taken = std::min(bytes, left_);
    std::string result(reinterpret_cast<const char*>(next_), taken);
    result.shrink_to_fit();
    next_ += taken;
    left_ -= taken;
    return result;
  }
  [[nodiscard]] std::string rest() { return text(left_); }

 private:
  const std::uint8_t* next_;
  std::size_t left_;
};

// What must hold of any input: libFuzzer keeps the one that says otherwise.
inline void must(bool holds, const char* what) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "must: %s\n", what);
  std::abort();
}

}  // namespace luna::fuzz
