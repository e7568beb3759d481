// SPDX-License-Identifier: MIT
// Pages that nobody can touch: who does is ended by SIGSEGV. Nothing here touches errno.
#pragma once

#include <cstddef>

namespace luna::os {

// Takes access to committed pages away, with what is in them. By a mark in the kernel's page tables
// where it has them (Linux 6.13), which costs no mapping; else by a change of access, which splits
// the mapping that the pages are in, so there are no more than kMaxMappedGuards calls in force.
// False: the pages are as they were.
//
// Threads: any, for pages of its own.
[[nodiscard]] bool guard(void* address, std::size_t bytes) noexcept;

// Lets the pages of one call of guard() be touched again, which read as zeros, or as they were.
// False: the kernel refuses.
[[nodiscard]] bool unguard(void* address, std::size_t bytes) noexcept;

// Each takes two mappings of the 65,530 that a process may have.
inline constexpr std::size_t kMaxMappedGuards = 4096;

}  // namespace luna::os
