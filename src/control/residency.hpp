// SPDX-License-Identifier: MIT
// Which pages the kernel backs, asked for without a lock.
#pragma once

#include "pages/region.hpp"

#include <cstddef>

namespace luna {

// Whether it says so at all: a sandbox may forbid to ask.
[[nodiscard]] bool kernel_tells_residency() noexcept;

// Of a region: our pages, each as the kernel's page that it is part of.
[[nodiscard]] PageSet resident_pages(const std::byte* region) noexcept;

}  // namespace luna
