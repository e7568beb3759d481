// SPDX-License-Identifier: MIT
// The functions that make threads, in front of those of the C library. Its thrd_create() does not
// call its pthread_create() by name.
#include "preload/heap_threads.hpp"

#define LUNA_EXPORT extern "C" [[gnu::visibility("default")]]

LUNA_EXPORT int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                               void* (*start)(void*), void* argument) noexcept {
  return luna::create_thread(luna::foreign::create_thread(), thread, attributes, start, argument);
}

LUNA_EXPORT int thrd_create(thrd_t* thread, thrd_start_t start, void* argument) {
  return luna::create_c_thread(luna::foreign::create_c_thread(), thread, start, argument);
}
