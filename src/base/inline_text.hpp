// SPDX-License-Identifier: MIT
// Constant texts that lie in their tables. A table of pointers to texts has to be relocated in
// each process that loads the library, which costs it the table's pages.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace luna {

template <std::size_t kCapacity>
class InlineText {
 public:
  // Requires: it fits; does not compile otherwise.
  template <std::size_t kSize>
  consteval InlineText(const char (&text)[kSize]) noexcept : length_(kSize - 1) {
    static_assert(kSize <= kCapacity);  // with the zero at its end
    for (std::size_t i = 0; i + 1 < kSize; ++i) text_[i] = text[i];
  }

  [[nodiscard]] constexpr std::string_view view() const noexcept { return {text_.data(), length_}; }
  constexpr operator std::string_view() const noexcept { return view(); }

 private:
  std::array<char, kCapacity> text_{};
  std::size_t length_;
};

}  // namespace luna
