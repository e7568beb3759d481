// SPDX-License-Identifier: MIT
// The stacks under the line of a report: who allocated a block, who freed it, who is here now.
#pragma once

#include "base/output.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"
#include "telemetry/profiler.hpp"

#include <cstdint>
#include <string_view>

namespace luna {

// Writes "  freed by thread 5:" and a line for each frame. Takes little stack, and is right for a
// signal handler if the output is.
void write_stack(Output& out, std::string_view what, std::uint64_t thread, Stack stack,
                 Modules modules) noexcept;

// Writes what is known of a block: a line with its size and place, then who allocated it and,
// if it is free, who freed it. As write_stack() for signal handlers.
void write_block_story(Output& out, const BlockStory& story, Modules modules) noexcept;

}  // namespace luna
