// SPDX-License-Identifier: MIT
// The one way to the kernel. Tests build the library with a header of this name in front of this
// one, which refuses calls: tests/fault/injected/os/system_call.hpp.
#pragma once

#include "os/raw_system_call.hpp"

namespace luna::os {

// Returns what the kernel returns: a value, or a negated errno.
template <typename... Arguments>
inline long system_call(long number, Arguments... arguments) noexcept {
  return raw_system_call(number, arguments...);
}

}  // namespace luna::os
