// SPDX-License-Identifier: MIT
// Stands in front of src/os/system_call.hpp where the library is built for the tests of this
// folder: before a call is made, the program is asked whether it shall be refused.
#pragma once

#include "os/raw_system_call.hpp"

#include <linux/futex.h>

// 0: the call is made. Else a negated errno that the call returns; one of close(2) is made
// besides, as that ends the descriptor whatever it returns. Programs without it have no faults.
extern "C" [[gnu::weak]] long luna_fault_answer(long number) noexcept;

namespace luna::os {

inline constexpr int kRemoveGuard = 103;  // of kernel headers of 6.13

[[nodiscard]] constexpr bool is_number(int argument, int number) noexcept {
  return argument == number;
}
template <typename Other>
[[nodiscard]] constexpr bool is_number(Other, int) noexcept {
  return false;
}

// The kernel never refuses to wake, and who is not woken waits for ever; nor does it refuse to take
// a guard's mark away, unless it has no marks.
template <typename... Arguments>
[[nodiscard]] constexpr bool is_never_refused(long number, Arguments... arguments) noexcept {
  const int operand = number == SYS_futex ? 1 : 2;
  [[maybe_unused]] const int operation = number == SYS_futex ? FUTEX_WAKE_PRIVATE : kRemoveGuard;
  if (number != SYS_futex && number != SYS_madvise) return false;
  int at = 0;
  bool found = false;
  ((found = found || (at++ == operand && is_number(arguments, operation))), ...);
  return found;
}

template <typename... Arguments>
inline long system_call(long number, Arguments... arguments) noexcept {
  if (luna_fault_answer != nullptr && !is_never_refused(number, arguments...)) {
    if (const long error = luna_fault_answer(number); error != 0) {
      if (number == SYS_close) raw_system_call(number, arguments...);
      return error;
    }
  }
  return raw_system_call(number, arguments...);
}

}  // namespace luna::os
