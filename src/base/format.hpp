// SPDX-License-Identifier: MIT
// Text into a fixed buffer, without allocation and without stdio: usable from
// inside malloc, before main and after everything has gone wrong.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Part of a text, as substr() but without its exception: cut where the text ends.
[[nodiscard]] constexpr std::string_view part_of(std::string_view text, std::size_t first,
                                                 std::size_t count = SIZE_MAX) noexcept {
  if (first > text.size()) first = text.size();
  const std::size_t left = text.size() - first;
  return {text.data() + first, count < left ? count : left};
}

// Text that does not fit is cut off; the buffer always holds a valid prefix.
class Text {
 public:
  Text(char* buffer, std::size_t capacity) noexcept : buffer_(buffer), capacity_(capacity) {}

  Text& add(std::string_view text) noexcept;
  Text& add_decimal(std::uint64_t value) noexcept;
  Text& add_hex(std::uint64_t value) noexcept;                          // with 0x in front
  Text& add_bytes(std::uint64_t bytes) noexcept;                        // 1.5 MiB
  Text& add_percent(std::uint64_t part, std::uint64_t whole) noexcept;  // 12.5 %

  [[nodiscard]] std::string_view view() const noexcept { return {buffer_, length_}; }

 private:
  Text& add_tenths(std::uint64_t tenths) noexcept;

  char* buffer_;
  std::size_t capacity_;
  std::size_t length_ = 0;
};

}  // namespace luna
