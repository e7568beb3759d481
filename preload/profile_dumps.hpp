// SPDX-License-Identifier: MIT
// Profiles that are written without a call by the program, and how many files may be.
#pragma once

#include <cstdint>

namespace luna {

// What the options ask for; what makes no sense goes to stderr.
void begin_profile_dumps() noexcept;

// The same of those that can change while the process runs.
void apply_dump_limits() noexcept;

// Writes the profile that is due, unless another thread does. To be called where no lock is
// held and the program is at none of its blocks.
void write_due_profile() noexcept;

// Makes a profile due if the process has come near a limit of its memory. Reads files, now and
// then; to be called as write_due_profile().
void watch_memory_limit() noexcept;

// Whether one more file may be written to a name of our own making. False: the options say
// that there are enough, which is told once on stderr.
[[nodiscard]] bool may_write_profile() noexcept;

}  // namespace luna
