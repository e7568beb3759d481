// SPDX-License-Identifier: MIT
#include "telemetry/call_site.hpp"

namespace luna {

namespace {

constexpr std::uint8_t kCallRelative = 0xE8;
constexpr std::uint8_t kCallIndirect = 0xFF;  // if the ModRM byte says that it is one

// How long "call *operand" is, by the bytes behind its first.
[[nodiscard]] std::size_t length_of_indirect(std::uint8_t modrm, std::uint8_t sib) noexcept {
  const unsigned mode = modrm >> 6;
  const unsigned base = modrm & 7;
  if (mode == 3) return 2;
  const bool has_sib = base == 4;
  std::size_t length = has_sib ? 3 : 2;
  if (mode == 1) length += 1;
  const bool has_no_base = mode == 0 && (base == 5 || (has_sib && (sib & 7) == 5));
  if (mode == 2 || has_no_base) length += 4;
  return length;
}

}  // namespace

bool ends_in_call(const CodeBytes& code) noexcept {
  constexpr std::size_t kEnd = std::tuple_size_v<CodeBytes>;
  constexpr std::size_t kRelativeBytes = 5;
  constexpr std::size_t kLongest = 7;
  if (code[kEnd - kRelativeBytes] == kCallRelative) return true;
  for (std::size_t length = 2; length <= kLongest; ++length) {
    const std::uint8_t modrm = code[kEnd - length + 1];
    const bool is_call = code[kEnd - length] == kCallIndirect && (modrm >> 3 & 7) == 2;
    const std::uint8_t sib = length > 2 ? code[kEnd - length + 2] : 0;
    if (is_call && length_of_indirect(modrm, sib) == length) return true;
  }
  return false;
}

}  // namespace luna
