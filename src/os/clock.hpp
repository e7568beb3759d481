// SPDX-License-Identifier: MIT
// Time for decay: cheap and coarse.
#pragma once

#include <cstdint>

namespace luna::os {

// Milliseconds of a clock that never goes back; steps of some milliseconds.
[[nodiscard]] std::uint64_t coarse_milliseconds() noexcept;

}  // namespace luna::os
