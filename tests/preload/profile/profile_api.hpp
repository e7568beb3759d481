// SPDX-License-Identifier: MIT
// The functions of lunalloc/profile.h, for programs that do not know that they run on it.
#pragma once

#include "expect.hpp"
#include "find_function.hpp"

#include <dlfcn.h>
#include <lunalloc/profile.h>

struct Api {
  decltype(luna_profile_start)* start = find<decltype(luna_profile_start)>("luna_profile_start");
  decltype(luna_profile_stop)* stop = find<decltype(luna_profile_stop)>("luna_profile_stop");
  decltype(luna_profile_interval)* interval =
      find<decltype(luna_profile_interval)>("luna_profile_interval");
  decltype(luna_profile_mark)* mark = find<decltype(luna_profile_mark)>("luna_profile_mark");
  decltype(luna_leaks_prove)* prove = find<decltype(luna_leaks_prove)>("luna_leaks_prove");
  decltype(luna_profile_dump)* dump = find<decltype(luna_profile_dump)>("luna_profile_dump");
};
