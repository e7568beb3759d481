// SPDX-License-Identifier: MIT
// What may be set from outside, at any time; preload/ fills it from the options.
#pragma once

#include "base/relaxed.hpp"
#include "heap/list_limits.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

struct Config {
  Relaxed<std::uint64_t> decay_ms = 1000;  // free pages go back to the kernel after this long
  Relaxed<std::size_t> thread_cache_bytes = ListLimits::kMaxBudget;  // of each thread's lists
};

}  // namespace luna
