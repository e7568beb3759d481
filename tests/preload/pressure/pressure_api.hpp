// SPDX-License-Identifier: MIT
// The functions of lunalloc/pressure.h, for programs that do not know that they run on it.
#pragma once

#include "expect.hpp"
#include "find_function.hpp"

#include <dlfcn.h>
#include <lunalloc/pressure.h>

struct Api {
  decltype(luna_pressure_subscribe)* subscribe =
      find<decltype(luna_pressure_subscribe)>("luna_pressure_subscribe");
  decltype(luna_pressure_unsubscribe)* unsubscribe =
      find<decltype(luna_pressure_unsubscribe)>("luna_pressure_unsubscribe");
  decltype(luna_pressure_read)* read = find<decltype(luna_pressure_read)>("luna_pressure_read");
  decltype(luna_pressure_check)* check = find<decltype(luna_pressure_check)>("luna_pressure_check");
};
