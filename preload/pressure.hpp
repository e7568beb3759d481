// SPDX-License-Identifier: MIT
// Memory pressure in the process: the library's thread, and what slow paths do without it.
#pragma once

#include <cstddef>

namespace luna {

class ThreadHeap;

// What the options ask for; what makes no sense goes to stderr.
void begin_pressure() noexcept;

// For options that change. 0, or EINVAL if thresholds make no sense, EAGAIN if the thread cannot
// be started.
[[nodiscard]] int apply_pressure() noexcept;

// The same. EINVAL: so much can never be kept beside what the process has; then nothing changed.
[[nodiscard]] int apply_reserve() noexcept;

[[nodiscard]] int apply_background() noexcept;

// The thread that those who want one rely on, unless it runs. False: it cannot be started. Not
// for use inside malloc.
[[nodiscard]] bool start_worker() noexcept;

// What opens files for this thread is done by another that has descriptors of its own. All others
// are the program's, and read by themselves.
void read_files(void (*read)(void* context), void* context) noexcept;

// To be called when the heap has grown, where no lock is held: gives back what is free if the
// process is about to reach a limit of its memory. `heap` is the thread's, or nullptr.
void watch_growth(ThreadHeap* heap) noexcept;

// After the rest of the library is ready again.
void resume_worker_in_child() noexcept;

}  // namespace luna
