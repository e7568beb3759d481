// SPDX-License-Identifier: MIT
// What those who look at all of a page heap, from time to time, need to know of its regions.
#pragma once

#include "pages/page_heap.hpp"
#include "pages/region.hpp"

#include <cstdint>

namespace luna {

// The committed region of an arena, or the huge block, that has the lowest address not below
// `from`; nullptr: there is none. So one may go on where one was, whatever has become of the region
// there. Requires: the lock of the page heap is held.
[[nodiscard]] const Region* region_from(const PageHeap& pages, std::uintptr_t from) noexcept;

// The address space that it stands for: of a span or a huge block, all of its whole regions.
[[nodiscard]] std::size_t bytes_of(const Region& region) noexcept;

// Its pages in large blocks that were freed and wait to be handed out whole.
[[nodiscard]] PageSet kept_pages(const PageHeap& pages, const Region& region) noexcept;

}  // namespace luna
