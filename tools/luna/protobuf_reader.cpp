// SPDX-License-Identifier: MIT
#include "protobuf_reader.hpp"

namespace luna::tool {

namespace {

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

}  // namespace

bool ProtobufReader::next() noexcept {
  if (rest_.empty() || !is_whole_) return false;
  const auto tag = take_number(rest_);
  is_whole_ = tag && *tag >> 3 != 0 && *tag >> 3 < 1U << 29U;
  if (!is_whole_) return false;
  field_ = static_cast<std::uint32_t>(*tag >> 3);
  is_whole_ = take_value(static_cast<unsigned>(*tag & 7U));
  return is_whole_;
}

// Numbers of fixed size are stepped over: no field of a profile has any.
bool ProtobufReader::take_value(unsigned wire_type) noexcept {
  number_ = 0;
  bytes_ = {};
  is_bytes_ = wire_type == kBytes;
  if (wire_type == kFixed64 || wire_type == kFixed32) {
    const bool taken = take_bytes(wire_type == kFixed64 ? 8 : 4);
    bytes_ = {};
    return taken;
  }
  if (wire_type != kVarint && wire_type != kBytes) return false;
  const auto number = take_number(rest_);
  if (!number) return false;
  if (is_bytes_) return take_bytes(*number);
  number_ = *number;
  return true;
}

bool ProtobufReader::take_bytes(std::uint64_t count) noexcept {
  if (count > rest_.size()) return false;
  bytes_ = rest_.substr(0, static_cast<std::size_t>(count));
  rest_.remove_prefix(bytes_.size());
  return true;
}

std::optional<std::uint64_t> ProtobufReader::take_number(std::string_view& rest) noexcept {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

}  // namespace luna::tool
