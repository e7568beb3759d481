// SPDX-License-Identifier: MIT
// Physical addresses, as /proc/self/pagemap tells them to those who may know.
#pragma once

#include <cstdint>

namespace luna::os {

// 0 or an errno value, as luna_physical_address() of lunalloc/physical.h says.
[[nodiscard]] int physical_address(const void* address, std::uint64_t& physical) noexcept;

// What an entry says of a page that is mapped: 0 and the number of its frame, or ENXIO or EPERM.
[[nodiscard]] int frame_of(std::uint64_t entry, std::uint64_t& frame) noexcept;

}  // namespace luna::os
