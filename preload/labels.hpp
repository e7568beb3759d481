// SPDX-License-Identifier: MIT
// The labels of threads: set by the program, and by their names if the options ask for that.
#pragma once

namespace luna {

// Before the first profile, once the options are read.
void begin_labels() noexcept;

// Returns 0 or an errno value, as luna_profile_label() says.
[[nodiscard]] int set_label(const char* key, const char* value) noexcept;

}  // namespace luna
