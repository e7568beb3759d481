// SPDX-License-Identifier: MIT
// Frames of stacks as people and addr2line read them: module+0xaddress.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/runtime_frame.hpp"

#include <cstdint>
#include <string_view>

namespace luna {

// An address within the call that returns to `frame`: behind a call that does not return
// another function, or at least another line, may begin. What a runtime named stays as it is.
[[nodiscard]] constexpr std::uintptr_t call_address(std::uintptr_t frame) noexcept {
  return frame == 0 || is_runtime_frame(frame) ? frame : frame - 1;
}

// The name that a runtime gave a frame, or the code that it made; empty: none.
[[nodiscard]] std::string_view runtime_name_of(Modules modules, std::uintptr_t frame) noexcept;

// Writes the last part of the module's path, with _ for what separates frames in folded
// stacks, and the address that addr2line understands; for a frame that a runtime named,
// function@file:line. In no module: the name of the code, or [anon] and the address.
void add_frame(Output& out, Modules modules, std::uintptr_t frame) noexcept;

}  // namespace luna
