// SPDX-License-Identifier: MIT
#include "base/output.hpp"

#include "base/format.hpp"

#include <array>

namespace luna {

namespace {

// Room for any one number.
struct Number {
  std::array<char, 32> buffer;
  Text text{buffer.data(), buffer.size()};
};

}  // namespace

Output& Output::add(std::string_view bytes) noexcept {
  if (ok_ && !bytes.empty()) ok_ = write_(context_, bytes);
  return *this;
}

Output& Output::add_decimal(std::uint64_t value) noexcept {
  Number number;
  return add(number.text.add_decimal(value).view());
}

Output& Output::add_hex(std::uint64_t value) noexcept {
  Number number;
  return add(number.text.add_hex(value).view());
}

Output& Output::add_bytes(std::uint64_t bytes) noexcept {
  Number number;
  return add(number.text.add_bytes(bytes).view());
}

Output& Output::add_percent(std::uint64_t part, std::uint64_t whole) noexcept {
  Number number;
  return add(number.text.add_percent(part, whole).view());
}

}  // namespace luna
