// SPDX-License-Identifier: MIT
// Numbers as DWARF writes them, read one after the other from a table in memory.
#pragma once

#include "base/align.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace luna {

// How a pointer of .eh_frame is written: a format, and what it counts from.
namespace pointer_encoding {
constexpr std::uint8_t kFormatMask = 0x0f;
constexpr std::uint8_t kAbsolute = 0x00;
constexpr std::uint8_t kUnsigned4 = 0x03;
constexpr std::uint8_t kUnsigned8 = 0x04;
constexpr std::uint8_t kSigned4 = 0x0b;
constexpr std::uint8_t kSigned8 = 0x0c;
constexpr std::uint8_t kFromHereMask = 0x70;
constexpr std::uint8_t kFromHere = 0x10;
constexpr std::uint8_t kFromTable = 0x30;
}  // namespace pointer_encoding

// Reads zeros once it is asked for more than there is, and has failed then.
class DwarfReader {
 public:
  DwarfReader() = default;
  DwarfReader(const std::byte* begin, const std::byte* end) noexcept : here_(begin), end_(end) {}

  [[nodiscard]] const std::byte* here() const noexcept { return here_; }
  [[nodiscard]] bool at_end() const noexcept { return here_ == end_; }
  [[nodiscard]] bool has_failed() const noexcept { return failed_; }

  template <typename Number>
  [[nodiscard]] Number fixed() noexcept {
    Number value{};
    const std::byte* from = take(sizeof value);
    if (from != nullptr) std::memcpy(&value, from, sizeof value);
    return value;
  }

  [[nodiscard]] std::uint8_t byte() noexcept { return fixed<std::uint8_t>(); }

  [[nodiscard]] std::uint64_t unsigned_number() noexcept {
    unsigned shift = 0;
    return leb128(shift);
  }

  [[nodiscard]] std::int64_t signed_number() noexcept {
    unsigned shift = 0;
    const std::uint64_t value = leb128(shift);
    if (shift >= 64) return static_cast<std::int64_t>(value);
    const unsigned above = 64 - shift;
    return static_cast<std::int64_t>(value << above) >> above;
  }

  // Fails for encodings that no linker uses for code.
  [[nodiscard]] std::uintptr_t pointer(std::uint8_t encoding) noexcept {
    const std::uintptr_t place = address_of(here_);
    const std::uint8_t from = encoding & ~pointer_encoding::kFormatMask;
    if (from != 0 && from != pointer_encoding::kFromHere) failed_ = true;
    return pointer_value(encoding) + (from == pointer_encoding::kFromHere ? place : 0);
  }

  // The number alone, whatever it counts from.
  [[nodiscard]] std::uintptr_t pointer_value(std::uint8_t encoding) noexcept {
    switch (encoding & pointer_encoding::kFormatMask) {
      case pointer_encoding::kAbsolute:
      case pointer_encoding::kUnsigned8:
      case pointer_encoding::kSigned8:
        return fixed<std::uint64_t>();
      case pointer_encoding::kUnsigned4:
        return fixed<std::uint32_t>();
      case pointer_encoding::kSigned4:
        return static_cast<std::uintptr_t>(std::int64_t{fixed<std::int32_t>()});
      default:
        failed_ = true;
        return 0;
    }
  }

  // The next `bytes` as a table of their own.
  [[nodiscard]] DwarfReader block(std::uint64_t bytes) noexcept {
    const std::byte* begin = take(bytes);
    return begin == nullptr ? DwarfReader{} : DwarfReader{begin, here_};
  }

  void skip(std::uint64_t bytes) noexcept { static_cast<void>(take(bytes)); }

 private:
  [[nodiscard]] const std::byte* take(std::uint64_t bytes) noexcept {
    if (failed_ || bytes > static_cast<std::uint64_t>(end_ - here_)) {
      failed_ = true;
      here_ = end_;
      return nullptr;
    }
    const std::byte* taken = here_;
    here_ += bytes;
    return taken;
  }

  [[nodiscard]] std::uint64_t leb128(unsigned& shift) noexcept {
    std::uint64_t value = 0;
    std::uint8_t next;
    do {
      next = byte();
      if (shift < 64) value |= std::uint64_t{next & 0x7fU} << shift;
      shift += 7;
    } while ((next & 0x80) != 0);
    return value;
  }

  const std::byte* here_ = nullptr;
  const std::byte* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace luna
