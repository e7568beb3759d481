// SPDX-License-Identifier: MIT
#include "base/function_pointer.hpp"

namespace luna {

[[gnu::weak]] std::uintptr_t function_key(const void*) noexcept { return 0; }

}  // namespace luna
