// SPDX-License-Identifier: MIT
// The entry for a function in the tables of .eh_frame, of which frame_program.hpp makes an
// unwind rule. Format: Linux Standard Base, "Exception Frames", and DWARF 5, 6.4.
#pragma once

#include "telemetry/dwarf_reader.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

struct FrameDescription {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::uint64_t code_unit = 1;  // which advances over code are multiples of
  std::int64_t data_unit = 1;   // and offsets of the stack
  std::uint64_t return_address_register = 0;
  std::uint8_t pointer_encoding = 0;
  bool is_signal_frame = false;
  DwarfReader common_program;  // of the CIE, which many functions share
  DwarfReader program;         // of the FDE, the function's own
};

// Finds the function that holds an address of code by the binary search table of
// .eh_frame_hdr. False: there is none, or it is written in a way that no linker uses.
[[nodiscard]] bool find_frame(const std::byte* eh_frame_header, std::uintptr_t code,
                              FrameDescription& found) noexcept;

}  // namespace luna
