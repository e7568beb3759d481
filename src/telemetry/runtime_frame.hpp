// SPDX-License-Identifier: MIT
// Frames that a runtime names by itself, such as an interpreter's: they stand on stacks beside
// addresses of code, and are told from these by their highest bits.
#pragma once

#include <cstdint>
#include <string_view>

namespace luna {

// Lies where it is as long as the process; see RuntimeFrameTable.
struct RuntimeFrame {
  std::string_view function;
  std::string_view file;   // empty: it is not known
  std::uint32_t line = 0;  // 0: it is not known
};

// No address of code has these bits: they are 0 in those of programs, and 0xff in the kernel's.
inline constexpr std::uintptr_t kRuntimeFrameMark = 0x80;
inline constexpr int kRuntimeFrameShift = 56;

[[nodiscard]] constexpr bool is_runtime_frame(std::uintptr_t frame) noexcept {
  return frame >> kRuntimeFrameShift == kRuntimeFrameMark;
}

[[nodiscard]] inline std::uintptr_t to_runtime_frame(const RuntimeFrame* frame) noexcept {
  return reinterpret_cast<std::uintptr_t>(frame) | kRuntimeFrameMark << kRuntimeFrameShift;
}

// Requires: is_runtime_frame(frame), which to_runtime_frame() made.
[[nodiscard]] inline const RuntimeFrame& runtime_frame(std::uintptr_t frame) noexcept {
  return *reinterpret_cast<const RuntimeFrame*>(frame ^ kRuntimeFrameMark << kRuntimeFrameShift);
}

}  // namespace luna
