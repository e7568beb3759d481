// SPDX-License-Identifier: MIT
// What somebody writes to an Output, as a text.
#pragma once

#include "base/output.hpp"

#include <string>
#include <string_view>

namespace luna::test {

// Calls write(Output&).
template <typename Write>
[[nodiscard]] std::string written(Write write) {
  std::string text;
  Output out(
      [](void* context, std::string_view bytes) noexcept {
        static_cast<std::string*>(context)->append(bytes);
        return true;
      },
      &text);
  write(out);
  return text;
}

}  // namespace luna::test
