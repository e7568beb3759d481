// SPDX-License-Identifier: MIT
// Pages of regions that cannot be touched. Under the lock of the page heap whose they are.
#pragma once

#include "pages/region.hpp"

#include <cstddef>

namespace luna {

// False: the kernel refuses. What was in the page is gone.
[[nodiscard]] bool guard_page(Region& region, std::size_t page) noexcept;

// Lets pages be touched that are about to be handed out, or given to a huge page. False: the kernel
// refuses, and some of them cannot be touched yet.
[[nodiscard]] bool unguard_pages(Region& region, std::size_t first, std::size_t count) noexcept;

// The same of all pages of so many regions in a row.
[[nodiscard]] bool unguard_regions(Region* first, std::size_t count) noexcept;

}  // namespace luna
