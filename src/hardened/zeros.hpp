// SPDX-License-Identifier: MIT
// Small blocks made zeros, and looked at whether they are. Blocks come in all sizes by turns, so
// what costs is not the bytes but a loop whose end the processor cannot foresee: up to 128 bytes
// there is none, and reads and writes overlap instead.
#pragma once

#include "base/wipe.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna::hardened {

using Vector = std::uint64_t __attribute__((vector_size(16), may_alias));
// The same, wherever it lies. Behind the type clang would ignore that.
using Unaligned [[gnu::aligned(1)]] = Vector;

[[nodiscard]] inline Vector vector_at(const std::byte* memory) noexcept {
  return *reinterpret_cast<const Vector*>(memory);
}
[[nodiscard]] inline Vector unaligned_at(const std::byte* memory) noexcept {
  return *reinterpret_cast<const Unaligned*>(memory);
}

// Wherever it lies.
[[nodiscard]] inline std::uint64_t word_at(const void* memory) noexcept {
  using Word [[gnu::aligned(1), gnu::may_alias]] = std::uint64_t;
  return *static_cast<const Word*>(memory);
}

[[nodiscard]] inline Vector four_at(const std::byte* memory) noexcept {
  return vector_at(memory) | vector_at(memory + 16) | vector_at(memory + 32) |
         vector_at(memory + 48);
}

[[nodiscard]] inline bool is_zero(Vector vector) noexcept { return (vector[0] | vector[1]) == 0; }

// Blocks of more bytes are gone through in a loop.
inline constexpr std::size_t kMaxUnrolledBytes = 128;

// Whether a small block is zeros but for its first word. Requires: a multiple of 16, 32 bytes at
// least, aligned to 16.
[[nodiscard]] inline bool is_zero_but_first(const std::byte* memory, std::size_t bytes) noexcept {
  const std::byte* end = memory + bytes;
  const std::uint64_t second = reinterpret_cast<const std::uint64_t*>(memory)[1];
  Vector sum = vector_at(end - 16);
  if (bytes <= kMaxUnrolledBytes) {
    const std::size_t step = ((bytes < 64 ? bytes : 64) - 32) / 2;
    sum |= vector_at(memory + 16) | unaligned_at(memory + 16 + step) |
           vector_at(memory + 16 + 2 * step) | unaligned_at(memory + bytes / 2) |
           unaligned_at(end - 16 - step) | vector_at(end - 16 - 2 * step);
  } else {
    for (memory += 16; end - memory > 64; memory += 64) sum |= four_at(memory);
    sum |= vector_at(end - 64) | vector_at(end - 48) | vector_at(end - 32);
  }
  return (sum[0] | sum[1] | second) == 0;
}

// Requires: a multiple of 16, aligned to 16.
[[nodiscard]] inline bool is_zero(const std::byte* memory, std::size_t bytes) noexcept {
  const std::byte* end = memory + bytes;
  Vector sum{};
  for (; end - memory >= 64; memory += 64) sum |= four_at(memory);
  for (; memory != end; memory += 16) sum |= vector_at(memory);
  return is_zero(sum);
}

inline void clear_vector(std::byte* memory) noexcept {
  *reinterpret_cast<Vector*>(memory) = Vector{};
}

// Requires: a multiple of 16, 32 bytes at least, aligned to 16. Left out by no compiler.
inline void clear_small(std::byte* memory, std::size_t bytes) noexcept {
  if (bytes > kMaxUnrolledBytes) return wipe(memory, bytes);
  std::byte* end = memory + bytes;
  const std::size_t front = bytes < 64 ? bytes : 64;
  clear_vector(memory);
  clear_vector(memory + 16);
  clear_vector(memory + front - 32);
  clear_vector(memory + front - 16);
  clear_vector(end - front);
  clear_vector(end - front + 16);
  clear_vector(end - 32);
  clear_vector(end - 16);
  asm volatile("" : : "r"(memory) : "memory");  // see wipe()
}

// Zeros and ones, of which sixteen bytes are read that end with so many ones as are wanted.
inline constexpr struct alignas(32) {
  std::array<unsigned char, 16> zeros{};
  std::array<unsigned char, 16> ones = [] {
    std::array<unsigned char, 16> all{};
    all.fill(0xff);
    return all;
  }();
} kLastBytes;

// Whether the `bytes` in front of `end`, 16 at most, are zeros. Requires: 16 can be read. By words,
// for a vector would wait until what the program has just written there is in the cache.
[[nodiscard]] inline bool are_few_zero_in_front(const std::byte* end, std::size_t bytes) noexcept {
  const auto* wanted = reinterpret_cast<const std::byte*>(&kLastBytes) + bytes;
  return ((word_at(end - 16) & word_at(wanted)) | (word_at(end - 8) & word_at(wanted + 8))) == 0;
}

// The same of any number.
[[nodiscard]] inline bool is_zero_in_front(const std::byte* end, std::size_t bytes) noexcept {
  if (bytes <= 16) return are_few_zero_in_front(end, bytes);
  const std::byte* at = end - bytes;
  Vector sum = unaligned_at(end - 16);
  for (; end - at > 64; at += 64)
    sum |= unaligned_at(at) | unaligned_at(at + 16) | unaligned_at(at + 32) | unaligned_at(at + 48);
  for (; end - at > 16; at += 16) sum |= unaligned_at(at);
  return is_zero(sum);
}

}  // namespace luna::hardened
