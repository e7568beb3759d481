// SPDX-License-Identifier: MIT
// Stands in front of src/os/system_call.hpp where the library is built for the tests of this
// folder: before a call is made, the program is asked whether it shall be refused.
#pragma once

#include "os/raw_system_call.hpp"

// 0: the call is made. Else a negated errno that the call returns; one of close(2) is made
// besides, as that ends the descriptor whatever it returns. Programs without it have no faults.
extern "C" [[gnu::weak]] long luna_fault_answer(long number) noexcept;

namespace luna::os {

template <typename... Arguments>
inline long system_call(long number, Arguments... arguments) noexcept {
  if (luna_fault_answer != nullptr) {
    if (const long error = luna_fault_answer(number); error != 0) {
      if (number == SYS_close) raw_system_call(number, arguments...);
      return error;
    }
  }
  return raw_system_call(number, arguments...);
}

}  // namespace luna::os
