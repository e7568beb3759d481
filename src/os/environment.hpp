// SPDX-License-Identifier: MIT
// What the process was started with, read before libc is ready.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

// Reads at most `capacity` bytes of a file. Empty when it cannot be read.
[[nodiscard]] std::string_view read_file(const char* path, char* buffer,
                                         std::size_t capacity) noexcept;

// The value of an environment variable, or empty. Requires: libc has set up
// `environ`, as it has when constructors run.
[[nodiscard]] std::string_view environment_value(std::string_view name) noexcept;

// True if the program has no dynamic linker: all it uses is linked into it.
[[nodiscard]] bool is_static_program() noexcept;

// True if the program runs with more rights than its caller (AT_SECURE): then
// the environment is not to be trusted.
[[nodiscard]] bool runs_with_privileges() noexcept;

// Last part of the path of the running program, at most 255 characters.
[[nodiscard]] std::string_view program_name(char* buffer, std::size_t capacity) noexcept;

[[nodiscard]] std::uint64_t process_id() noexcept;

// Of the calling thread, as the kernel numbers them.
[[nodiscard]] std::uint64_t thread_id() noexcept;

// False: the calling thread acts for another user or group than that of main(), as those of file
// servers do. True where the kernel does not tell.
[[nodiscard]] bool thread_has_rights_of_process() noexcept;

// Tells the threads that live apart, without a system call; never 0. A later thread may have
// that of one that ended.
[[nodiscard]] std::uintptr_t thread_key() noexcept;

// Name of the calling thread, at most 15 characters.
[[nodiscard]] std::string_view thread_name(char* buffer, std::size_t capacity) noexcept;
inline constexpr std::size_t kMaxThreadName = 16;  // with a 0 at its end
using ThreadName = std::array<char, kMaxThreadName>;

// Name of the machine, at most 64 characters.
[[nodiscard]] std::string_view host_name(char* buffer, std::size_t capacity) noexcept;

}  // namespace luna::os
