// SPDX-License-Identifier: MIT
// Checks for small programs that know no test framework: EXPECT prints the place and ends the
// process with 1, skip() ends it with 77. Nothing here allocates, and nothing is compiled out.
// For patterns in blocks, see blocks.hpp; for what the kernel says of the process, measure.hpp.
#pragma once

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#define EXPECT(condition) \
  ((condition) ? static_cast<void>(0) : expect::fail(__FILE__, __LINE__, #condition))

// The same, with a number that tells which case of a table or loop failed.
#define EXPECT_FOR(which, condition) \
  ((condition)                       \
       ? static_cast<void>(0)        \
       : expect::fail_for(__FILE__, __LINE__, #condition, #which, static_cast<long long>(which)))

namespace expect {

// Not dprintf, which allocates a buffer in some versions of libc.
[[gnu::format(printf, 2, 3)]] inline void print(int file, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const std::size_t bytes = std::min(static_cast<std::size_t>(length), sizeof text - 1);
  if (write(file, text, bytes) < 0) _exit(1);
}

// Leaves without exit handlers: the state of the process is in doubt.
[[noreturn]] inline void fail(const char* file, int line, const char* text) {
  print(STDERR_FILENO, "%s:%d: failed: %s (errno %d)\n", file, line, text, errno);
  _exit(1);
}

[[noreturn]] inline void fail_for(const char* file, int line, const char* text, const char* name,
                                  long long value) {
  print(STDERR_FILENO, "%s:%d: failed: %s with %s = %lld (errno %d)\n", file, line, text, name,
        value, errno);
  _exit(1);
}

[[noreturn]] inline void skip(const char* reason) {
  print(STDOUT_FILENO, "skipped: %s\n", reason);
  _exit(77);
}

// A silently ignored preload would make every test here a test of libc.
inline void on_lunalloc() {
  using Version = const char* (*)();
  const auto version = reinterpret_cast<Version>(dlsym(RTLD_DEFAULT, "luna_version"));
  EXPECT(version != nullptr);
  EXPECT(version()[0] != '\0');
}

// The compiler knows nothing of the result, so it can neither remove calls nor warn of sizes.
template <typename Value>
[[nodiscard]] inline Value opaque(Value value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

}  // namespace expect
