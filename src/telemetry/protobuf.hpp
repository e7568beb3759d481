// SPDX-License-Identifier: MIT
// Fields of a message in the encoding of protocol buffers. What is within another message
// is gone through twice, for its length stands before it.
#pragma once

#include "base/output.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

class ProtobufWriter {
 public:
  explicit ProtobufWriter(Output& out) noexcept : out_(&out) {}

  // A number of type uint64, int64 or bool. 0 is what readers take for one that is absent.
  void number(std::uint32_t field, std::uint64_t value) noexcept {
    if (value == 0) return;
    tag(field, kVarint);
    varint(value);
  }

  // A number without a name, within a packed field. 0 is written too.
  void packed(std::uint64_t value) noexcept { varint(value); }

  // A field of bytes: what fields(writer) writes. It is called twice and must do the same
  // both times.
  template <typename Fields>
  void nested(std::uint32_t field, Fields fields) noexcept {
    ProtobufWriter measure;
    fields(measure);
    tag(field, kLengthDelimited);
    varint(measure.bytes_);
    fields(*this);
  }

  void bytes(std::string_view text) noexcept {
    bytes_ += text.size();
    if (out_ != nullptr) out_->add(text);
  }

 private:
  static constexpr std::uint32_t kVarint = 0;
  static constexpr std::uint32_t kLengthDelimited = 2;

  ProtobufWriter() noexcept = default;  // counts, and writes nothing

  void tag(std::uint32_t field, std::uint32_t type) noexcept { varint(field << 3 | type); }

  // Seven bits a byte, the lowest first; the upper bit says that more follow.
  void varint(std::uint64_t value) noexcept {
    std::array<char, 10> buffer;
    std::size_t length = 0;
    for (; value >= 0x80; value >>= 7) buffer[length++] = static_cast<char>(value | 0x80U);
    buffer[length++] = static_cast<char>(value);
    bytes({buffer.data(), length});
  }

  Output* out_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace luna
