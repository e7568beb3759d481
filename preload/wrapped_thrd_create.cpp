// SPDX-License-Identifier: MIT
// As wrapped_pthread_create.cpp, for -Wl,--wrap=thrd_create: a file of its own, so that neither
// brings along what the program does not use.
#include "preload/heap_threads.hpp"

extern "C" int __real_thrd_create(thrd_t* thread, thrd_start_t start, void* argument) noexcept;

extern "C" int __wrap_thrd_create(thrd_t* thread, thrd_start_t start, void* argument) noexcept {
  return luna::create_c_thread(&__real_thrd_create, thread, start, argument);
}
