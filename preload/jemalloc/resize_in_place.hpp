// SPDX-License-Identifier: MIT
// Changing the size of a block that must stay where it is, which the C library knows no call for.
#pragma once

#include <cstddef>

namespace luna::jemalloc {

// Makes a block of whole pages `bytes` and up to `extra` more long, if there is room behind it, or
// cuts its end off. Blocks of slabs, and samples, stay as they are; so does what would have to be
// sampled. What the block gains has undefined contents.
void resize_in_place(void* pointer, std::size_t bytes, std::size_t extra) noexcept;

}  // namespace luna::jemalloc
