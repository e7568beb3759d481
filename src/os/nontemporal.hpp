// SPDX-License-Identifier: MIT
// Copies that go past the caches. The stores are those of nontemporal_x86_64.cpp or
// nontemporal_aarch64.cpp.
#pragma once

#include <cstddef>

namespace luna::os {

// As lunalloc/cache.h says: whoever is told of it must be told behind a store fence.
void copy_nontemporal(void* to, const void* from, std::size_t bytes) noexcept;
void zero_nontemporal(void* to, std::size_t bytes) noexcept;

// What is stored at once, so that no part of a line need be read from memory.
inline constexpr std::size_t kStreamedBytes = 64;

// Each once for each processor. Requires: `to` is a multiple of kStreamedBytes; `bytes` too.
void stream(std::byte* to, const std::byte* from, std::size_t bytes) noexcept;
void stream_zeros(std::byte* to, std::size_t bytes) noexcept;

}  // namespace luna::os
