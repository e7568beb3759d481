// SPDX-License-Identifier: MIT
// A library loaded with RTLD_DEEPBIND would bind malloc and free to the C
// library's, and then free blocks of ours there. So the flag is taken away, and
// all bind here; the option `deepbind` leaves it. And a library that goes takes code with
// it that the profiler knows the stack frames of.
#include "preload/foreign.hpp"
#include "preload/process.hpp"

#include <dlfcn.h>

// A tail call: the C library takes the caller from the return address, for the
// search path of the library that calls.
extern "C" [[gnu::visibility("default")]] void* dlopen(const char* file, int mode) noexcept {
  const bool keeps = luna::process.options().deepbind || !luna::process.enabled();
  return luna::foreign::open_library()(file, keeps ? mode : mode & ~RTLD_DEEPBIND);
}

// Other code may come to lie where the library was.
extern "C" [[gnu::visibility("default")]] int dlclose(void* library) noexcept {
  const int result = luna::foreign::close_library()(library);
  luna::process.profiler().forget_code();
  return result;
}
