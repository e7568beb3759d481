// SPDX-License-Identifier: MIT
// System calls by the processor's instruction: they neither touch errno nor depend on libc being
// ready. Who wants one includes os/system_call.hpp.
#pragma once

#include <sys/syscall.h>

#include <type_traits>

namespace luna::os {

// Returns what the kernel returns: a value, or a negated errno.
template <typename... Arguments>
inline long raw_system_call(long number, Arguments... arguments) noexcept {
  static_assert(sizeof...(Arguments) <= 6);
  [[maybe_unused]] const auto as_long = [](auto argument) noexcept {
    if constexpr (std::is_null_pointer_v<decltype(argument)>) {
      return 0L;
    } else if constexpr (std::is_pointer_v<decltype(argument)>) {
      return reinterpret_cast<long>(argument);
    } else {
      return static_cast<long>(argument);
    }
  };
  const long a[6] = {as_long(arguments)...};
#if defined(__x86_64__)
  register long r10 asm("r10") = a[3];
  register long r8 asm("r8") = a[4];
  register long r9 asm("r9") = a[5];
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a[0];
  register long x1 asm("x1") = a[1];
  register long x2 asm("x2") = a[2];
  register long x3 asm("x3") = a[3];
  register long x4 asm("x4") = a[4];
  register long x5 asm("x5") = a[5];
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#else
#error "lunalloc: this processor has no system call stub yet; add one here"
#endif
}

}  // namespace luna::os
