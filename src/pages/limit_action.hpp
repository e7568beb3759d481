// SPDX-License-Identifier: MIT
// What becomes of a request that would exceed the hard limit: the option hard_limit_action.
#pragma once

#include <cstdint>

namespace luna {

enum class LimitAction : std::uint8_t {
  kDeny,   // ENOMEM, when all that is free was given back
  kRetry,  // the same, but subscribers are asked first, as when the kernel refuses
  kAbort,  // a report, and the process ends
};

}  // namespace luna
