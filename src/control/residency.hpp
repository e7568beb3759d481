// SPDX-License-Identifier: MIT
// Which pages the kernel backs, asked for in steps and without a lock.
#pragma once

#include "pages/region.hpp"

#include <cstddef>

namespace luna {

// Of mapped memory, in bytes; what is not mapped counts as not backed.
[[nodiscard]] std::size_t resident_bytes(const void* memory, std::size_t bytes) noexcept;

// Of a region: our pages, each as the kernel's page that it is part of.
[[nodiscard]] PageSet resident_pages(const std::byte* region) noexcept;

}  // namespace luna
