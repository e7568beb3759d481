// SPDX-License-Identifier: MIT
// The same as threads.cpp for programs that the library is linked into, and that want it: with
// -Wl,--wrap=pthread_create the linker puts this in front. In a static program there is no other
// way to the C library's own.
#include "preload/heap_threads.hpp"

extern "C" int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                     void* (*start)(void*), void* argument) noexcept;

extern "C" int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                     void* (*start)(void*), void* argument) noexcept {
  return luna::create_thread(&__real_pthread_create, thread, attributes, start, argument);
}
