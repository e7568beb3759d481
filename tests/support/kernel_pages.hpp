// SPDX-License-Identifier: MIT
// What a test may expect where the kernel's pages are larger than ours.
#pragma once

#include "os/memory.hpp"
#include "pages/layout.hpp"

#include <cstddef>

namespace luna::test {

// Pages of ours in one of the kernel's, which goes back as a whole or not at all.
[[nodiscard]] inline std::size_t pages_per_kernel_page() { return os::page_bytes() / kPageBytes; }

// Elsewhere slabs are not purged and spans not moved: a kernel page could hold
// what is not theirs.
[[nodiscard]] inline bool kernel_pages_are_ours() { return pages_per_kernel_page() == 1; }

// To be said when a test is skipped for that.
inline constexpr const char* kLargerPages = "the kernel's pages are larger than ours";

}  // namespace luna::test
