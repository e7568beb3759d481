// SPDX-License-Identifier: MIT
// The black box of the process: what the options ask for, and who is heard. src/blackbox/ has
// the box itself.
#pragma once

#include <lunalloc/pressure.h>

#include <string_view>

namespace luna {

// Makes the file that the option blackbox names, if it names one; what fails goes to stderr.
void begin_black_box() noexcept;

// Records what is due; `block` is what an allocation has got, nullptr: no memory. To be called
// where no lock is held and the program is at none of its blocks.
void watch_black_box(const void* block) noexcept;

// The same without an allocation, for a thread that comes by now and then.
void tick_black_box() noexcept;

// What happened, as short notes. Take no lock.
void note_near_limit() noexcept;
void note_pressure(const luna_pressure_event& event) noexcept;
void note_guard_report(std::string_view mistake) noexcept;

// In the child of a fork.
void resume_black_box_in_child() noexcept;

}  // namespace luna
