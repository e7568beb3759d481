// SPDX-License-Identifier: MIT
// The controls of the process: include/lunalloc/control.h, and what the options
// confirm_conf and abort_conf make of them.
#pragma once

#include "control/controls.hpp"

namespace luna {

// One row for each control; see control/controls.def.
[[nodiscard]] std::span<const Control> control_table() noexcept;

// What the option says of the lists of a thread.
[[nodiscard]] std::size_t thread_cache_bytes(const Options& options) noexcept;

// Gives each option that somebody set beyond its range its default again, and tells stderr.
void ignore_out_of_range(Options& options, OptionSources& sources) noexcept;

// Tells what is in force, and ends the process if an option is wrong, where the options say so.
void judge_options(const OptionSources& sources) noexcept;

}  // namespace luna
