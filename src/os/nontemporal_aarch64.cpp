// SPDX-License-Identifier: MIT
// Stores of pairs that aarch64 need not keep in its caches.
#include "os/nontemporal.hpp"

#include <cstdint>
#include <cstring>

namespace luna::os {

namespace {

using Vector = std::uint64_t __attribute__((vector_size(16), may_alias));

void store(std::byte* to, Vector first, Vector second) noexcept {
  asm volatile("stnp %q1, %q2, [%0]" : : "r"(to), "w"(first), "w"(second) : "memory");
}

}  // namespace

void stream(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  for (const std::byte* end = from + bytes; from != end;
       from += kStreamedBytes, to += kStreamedBytes) {
    Vector line[4];
    std::memcpy(line, from, sizeof line);
    store(to, line[0], line[1]);
    store(to + 32, line[2], line[3]);
  }
}

void stream_zeros(std::byte* to, std::size_t bytes) noexcept {
  for (const std::byte* end = to + bytes; to != end; to += kStreamedBytes) {
    store(to, Vector{}, Vector{});
    store(to + 32, Vector{}, Vector{});
  }
}

}  // namespace luna::os
