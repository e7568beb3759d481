// SPDX-License-Identifier: MIT
// Frames that runtimes supply: by a callback of the process, or a stack that a thread keeps.
#pragma once

namespace luna {

// Before the first profile, once the options are read.
void begin_runtime_frames() noexcept;

}  // namespace luna
