// SPDX-License-Identifier: MIT
// What may be set from outside; preload/ fills it from the options.
#pragma once

#include <cstdint>

namespace luna {

struct Config {
  std::uint64_t decay_ms = 1000;  // free pages go back to the kernel after this long
};

}  // namespace luna
