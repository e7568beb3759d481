// SPDX-License-Identifier: MIT
// Functions of the library, for programs that do not know that they run on it.
#pragma once

#include "expect.hpp"

#include <dlfcn.h>

template <typename Function>
[[nodiscard]] Function* find(const char* name) {
  auto* const function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
  EXPECT(function != nullptr);
  return function;
}
