// SPDX-License-Identifier: MIT
// Stores past the caches of x86-64: four of them fill a buffer of the processor's, which then
// goes to memory as a whole.
#include "os/nontemporal.hpp"

#include <cstdint>
#include <cstring>

namespace luna::os {

namespace {

using Vector = std::uint64_t __attribute__((vector_size(16), may_alias));

void store(std::byte* to, Vector value) noexcept {
  asm volatile("movntdq %1, %0" : "=m"(*reinterpret_cast<Vector*>(to)) : "x"(value));
}

}  // namespace

void stream(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  for (const std::byte* end = from + bytes; from != end;
       from += kStreamedBytes, to += kStreamedBytes) {
    Vector line[4];
    std::memcpy(line, from, sizeof line);
    store(to, line[0]);
    store(to + 16, line[1]);
    store(to + 32, line[2]);
    store(to + 48, line[3]);
  }
}

void stream_zeros(std::byte* to, std::size_t bytes) noexcept {
  for (const std::byte* end = to + bytes; to != end; to += kStreamedBytes) {
    store(to, Vector{});
    store(to + 16, Vector{});
    store(to + 32, Vector{});
    store(to + 48, Vector{});
  }
}

}  // namespace luna::os
