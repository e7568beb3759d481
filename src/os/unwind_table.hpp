// SPDX-License-Identifier: MIT
// Where the tables lie that say how a function's frame is left: .eh_frame_hdr, by which
// exceptions are thrown as well. What is in them: telemetry/frame_table.hpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna::os {

// The .eh_frame_hdr of the program or library that holds an address of code; nullptr: none
// does, or it has no such table. Takes no lock and may be called by a signal handler and
// after fork().
[[nodiscard]] const std::byte* find_unwind_table(std::uintptr_t code) noexcept;

}  // namespace luna::os
