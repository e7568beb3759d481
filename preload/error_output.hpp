// SPDX-License-Identifier: MIT
// Standard error as an Output for reports of mistakes: gathered in pieces, so that a report does
// not mix with what others write there.
#pragma once

#include "base/check.hpp"
#include "base/format.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace luna {

// Large: not for the stack, which may be a signal handler's.
struct ErrorOutput {
  [[nodiscard]] static bool write(void* self, std::string_view bytes) noexcept {
    auto& output = *static_cast<ErrorOutput*>(self);
    if (output.length + bytes.size() > output.buffer.size()) output.flush();
    bytes = part_of(bytes, 0, output.buffer.size());
    std::memcpy(output.buffer.data() + output.length, bytes.data(), bytes.size());
    output.length += bytes.size();
    return true;
  }
  void flush() noexcept {
    write_error({buffer.data(), length});
    length = 0;
  }

  std::array<char, 8192> buffer{};
  std::size_t length = 0;
};

}  // namespace luna
