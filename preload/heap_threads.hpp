// SPDX-License-Identifier: MIT
// Threads whose creator has entered a heap: what the C library allocates for them for good does
// not come from there, and they begin there if the heap says so.
#pragma once

#include "preload/foreign.hpp"

namespace luna {

// As their namesakes of the C library, by the functions that are given.
[[nodiscard]] int create_thread(foreign::CreateThread create, pthread_t* thread,
                                const pthread_attr_t* attributes, void* (*start)(void*),
                                void* argument) noexcept;
[[nodiscard]] int create_c_thread(foreign::CreateCThread create, thrd_t* thread, thrd_start_t start,
                                  void* argument) noexcept;

}  // namespace luna
