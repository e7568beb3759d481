// SPDX-License-Identifier: MIT
// The controls of the process: include/lunalloc/control.h, and what the options
// confirm_conf and abort_conf make of them.
#pragma once

#include "control/controls.hpp"

namespace luna {

// One row for each control; see control/controls.def.
[[nodiscard]] std::span<const Control> control_table() noexcept;

// What the option says of the lists of a thread, as far as it makes sense.
[[nodiscard]] std::size_t thread_cache_bytes(const Options& options) noexcept;

// Tells what is in force, and ends the process if an option is wrong, where the options say so.
void judge_options(const OptionSources& sources) noexcept;

}  // namespace luna
