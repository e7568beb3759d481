// SPDX-License-Identifier: MIT
// Goes through the fields of a message in the encoding of protobuf, never beyond its bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace luna::tool {

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) noexcept : rest_(bytes) {}

  // Steps to the next field. False at the end, and where the rest is no field; see is_whole().
  [[nodiscard]] bool next() noexcept;

  // Of the field that next() has come to. What has another type is 0 or empty.
  [[nodiscard]] std::uint32_t field() const noexcept { return field_; }
  [[nodiscard]] bool is_bytes() const noexcept { return is_bytes_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

  // Calls visit(number) for each of a repeated field, which is packed or a single one. False: its
  // last number has no end.
  template <typename Visit>
  [[nodiscard]] bool for_each_number(Visit visit) const {
    if (!is_bytes_) {
      visit(number_);
      return true;
    }
    for (std::string_view left = bytes_; !left.empty();) {
      const auto number = take_number(left);
      if (!number) return false;
      visit(*number);
    }
    return true;
  }

  // Whether the bytes up to here are fields without a fault.
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }

 private:
  [[nodiscard]] static std::optional<std::uint64_t> take_number(std::string_view& rest) noexcept;
  [[nodiscard]] bool take_value(unsigned wire_type) noexcept;
  [[nodiscard]] bool take_bytes(std::uint64_t count) noexcept;

  std::string_view rest_;
  std::uint32_t field_ = 0;
  bool is_bytes_ = false;
  bool is_whole_ = true;
  std::uint64_t number_ = 0;
  std::string_view bytes_;
};

}  // namespace luna::tool
