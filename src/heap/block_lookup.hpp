// SPDX-License-Identifier: MIT
// What block a pointer is, or what mistake.
#pragma once

#include "heap/slab.hpp"
#include "pages/region.hpp"
#include "pages/window.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// Reports a pointer into `slab` at which no block starts.
[[noreturn, gnu::cold]] void report_no_block(const Slab& slab, const std::byte* memory,
                                             const void* pointer) noexcept;

// Index of the block of `slab` that starts at `pointer`; reports if none does.
[[nodiscard]] inline std::size_t index_of_block(const Slab& slab, const std::byte* memory,
                                                const void* pointer) noexcept {
  const std::size_t offset = address_of(pointer) - address_of(memory);
  const std::size_t index = slab.index_of(offset);
  if (index * slab.info().block_bytes != offset || index >= slab.info().capacity) [[unlikely]]
    report_no_block(slab, memory, pointer);
  return index;
}

// What the program asked for, so that a mistake is reported by its name.
enum class Request : std::uint8_t { kFree, kResize };

// Pages of the run, span or huge block that starts at `pointer` and is in use;
// reports if none does.
[[nodiscard]] std::size_t pages_of_block(const Region& region, const void* pointer,
                                         Request request) noexcept;

// True if the slot is that of a run which is the one freed last by its owner. What
// others read here may be old, but it cannot name a block that is in use.
[[nodiscard]] bool is_freed_run(const Slab& slot, const void* pointer) noexcept;

// Makes the slot of a run that goes to the page heap name no owner.
void disown_run(const Window& window, const void* pointer) noexcept;

}  // namespace luna
