// SPDX-License-Identifier: MIT
#include "base/function_pointer.hpp"
#include "hardened/secret.hpp"

namespace luna {

std::uintptr_t function_key(const void* place) noexcept {
  hardened::draw_secret();
  return hardened::fold(reinterpret_cast<std::uintptr_t>(place) ^ hardened::secret.function[0],
                        hardened::secret.function[1]);
}

}  // namespace luna
