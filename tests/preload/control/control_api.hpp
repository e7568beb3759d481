// SPDX-License-Identifier: MIT
// The functions of lunalloc/control.h, for programs that do not know that they run on it.
#pragma once

#include "expect.hpp"
#include "find_function.hpp"

#include <dlfcn.h>
#include <lunalloc/control.h>
#include <lunalloc/lunalloc.h>
#include <lunalloc/profile.h>

#include <cstring>
#include <string_view>

namespace control {

#define LUNA_FOUND(name) \
  inline decltype(::luna_##name)* const name = find<decltype(::luna_##name)>("luna_" #name)
LUNA_FOUND(control_get_number);
LUNA_FOUND(control_get_text);
LUNA_FOUND(control_set_number);
LUNA_FOUND(control_set_text);
LUNA_FOUND(control_nearest);
LUNA_FOUND(control_wants);
LUNA_FOUND(control_list);
LUNA_FOUND(stats_read);
LUNA_FOUND(profile_start);
LUNA_FOUND(profile_stop);
LUNA_FOUND(profile_interval);
LUNA_FOUND(profile_dump);
LUNA_FOUND(version);
#undef LUNA_FOUND

[[nodiscard]] inline std::uint64_t number(const char* name) {
  std::uint64_t value = 0;
  EXPECT(control_get_number(name, &value) == 0);
  return value;
}

// What is set is what is read afterwards.
inline void set(const char* name, const char* value) {
  const int error = control_set_text(name, value);
  if (error != 0) expect::print(STDERR_FILENO, "%s: %s: %d\n", name, value, error);
  EXPECT(error == 0);
  char text[256];
  EXPECT(control_get_text(name, text, sizeof text) == 0);
  EXPECT(std::string_view(text) == value);
}

}  // namespace control
