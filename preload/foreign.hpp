// SPDX-License-Identifier: MIT
// The C library's own malloc: for blocks that came from it, and for processes
// that lunalloc is switched off in. The one place that looks symbols up.
#pragma once

#include <pthread.h>
#include <threads.h>

#include <cstddef>

namespace luna::foreign {

// Finds the C library's functions now rather than when first needed. False: a
// static program has none.
[[nodiscard]] bool resolve() noexcept;

[[nodiscard]] void* allocate(std::size_t bytes) noexcept;
[[nodiscard]] void* allocate_zeroed(std::size_t bytes) noexcept;
[[nodiscard]] void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept;

// For pointers that are not ours: those that lie in the C library's heap go
// there; others are reported. Slow: may read /proc/self/maps.
void deallocate(void* pointer) noexcept;
[[nodiscard]] void* reallocate(void* pointer, std::size_t bytes) noexcept;
[[nodiscard]] std::size_t usable_bytes(const void* pointer) noexcept;

// The next dlopen() and dlclose(), for those of ours in dlopen.cpp.
using OpenLibrary = void* (*)(const char* file, int mode);
[[nodiscard]] OpenLibrary open_library() noexcept;
using CloseLibrary = int (*)(void* library);
[[nodiscard]] CloseLibrary close_library() noexcept;

// The next pthread_create() and thrd_create(), for those of ours in threads.cpp.
using CreateThread = int (*)(pthread_t* thread, const pthread_attr_t* attributes,
                             void* (*start)(void*), void* argument);
[[nodiscard]] CreateThread create_thread() noexcept;
using CreateCThread = int (*)(thrd_t* thread, thrd_start_t start, void* argument);
[[nodiscard]] CreateCThread create_c_thread() noexcept;

}  // namespace luna::foreign
