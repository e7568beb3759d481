// SPDX-License-Identifier: MIT
// Where the library's code lies, of which the stacks in a profile need no frames.
#pragma once

#include "telemetry/stack_walker.hpp"

namespace luna {

// Empty where the library is linked into other code: the linker does not tell the two apart.
[[nodiscard]] CodeRange own_code() noexcept;

}  // namespace luna
