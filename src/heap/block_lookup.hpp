// SPDX-License-Identifier: MIT
// What block a pointer is, or what mistake.
#pragma once

#include "heap/slab.hpp"
#include "pages/region.hpp"
#include "pages/window.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// Index of the block of `slab` that starts at `pointer`; reports if none does.
[[nodiscard]] std::size_t index_of_block(const Slab& slab, const std::byte* memory,
                                         const void* pointer) noexcept;

// What the program asked for, so that a mistake is reported by its name.
enum class Request : std::uint8_t { kFree, kResize };

// Pages of the run, span or huge block that starts at `pointer` and is in use;
// reports if none does.
[[nodiscard]] std::size_t pages_of_block(const Region& region, const void* pointer,
                                         Request request) noexcept;

// Marks a run as cached by a thread, or with 0 as in use.
void mark_run(const Window& window, const void* pointer, std::uint16_t mark) noexcept;

}  // namespace luna
