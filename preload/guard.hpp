// SPDX-License-Identifier: MIT
// Guarded samples in the process: what the options ask for, and the fault handler that says
// what a mistake was.
#pragma once

namespace luna {

// Guards samples as the options say; failures go to stderr. To be called before the first
// sample is taken, and again if that was in vain.
void begin_guard() noexcept;

// Makes room for blocks of heaps that shall be guarded. False: the kernel refuses.
[[nodiscard]] bool begin_heap_guards() noexcept;

// In the child of a fork.
void resume_guard_in_child() noexcept;

}  // namespace luna
