// SPDX-License-Identifier: MIT
// Mistakes that guarded samples show, in words: what happened to which block, and the stacks
// of who allocated it, who freed it and who is here now.
#pragma once

#include "base/output.hpp"
#include "heap/guarded.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

#include <cstdint>
#include <string_view>

namespace luna {

// What becomes of a program after its mistake was reported.
enum class GuardAction : std::uint8_t { kDie, kReport };

// Where the program is at the moment of the report.
struct GuardMoment {
  std::string_view access;  // read, write, or access where that is not known
  Stack stack;
  std::uint64_t thread = 0;
};

// What begins that line, such as "use after free".
[[nodiscard]] std::string_view name_of(MistakeKind kind) noexcept;

// Writes a line that docs/debugging.md explains, then the stacks. Takes little stack, and is
// right for a signal handler if the output is.
void write_guard_report(const GuardMistake& mistake, const GuardMoment& now, Modules modules,
                        Output& out) noexcept;

}  // namespace luna
