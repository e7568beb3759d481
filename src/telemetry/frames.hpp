// SPDX-License-Identifier: MIT
// Frames of stacks as people and addr2line read them: module+0xaddress.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"

#include <cstdint>

namespace luna {

// An address within the call that returns to `frame`: behind a call that does not return
// another function, or at least another line, may begin.
[[nodiscard]] constexpr std::uintptr_t call_address(std::uintptr_t frame) noexcept {
  return frame == 0 ? 0 : frame - 1;
}

// Writes the last part of the module's path, with _ for what separates frames in folded
// stacks, and the address that addr2line understands. In no module: the address alone.
void add_frame(Output& out, Modules modules, std::uintptr_t frame) noexcept;

}  // namespace luna
