// SPDX-License-Identifier: MIT
// Contents by which a block is known again: a block that overlaps another, or
// that was given to two owners, does not keep them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace luna::test {

// Bytes at each end of a block, and of each page between, that carry the mark.
inline constexpr std::size_t kMarkedBytes = 64;

[[nodiscard]] inline std::byte mark_at(std::uint64_t mark, std::size_t at) noexcept {
  return static_cast<std::byte>((mark * 0x9e3779b97f4a7c15 + at * 0x0101) >> 32 ^ at);
}

// Calls `visit(at)` for the marked positions of a block: all of a short one,
// else both ends and the first bytes of each page.
template <typename Visit>
void for_each_marked(std::size_t bytes, Visit visit) {
  const std::size_t dense = bytes < 2 * kMarkedBytes ? bytes : kMarkedBytes;
  for (std::size_t at = 0; at < dense; ++at) visit(at);
  if (bytes < 2 * kMarkedBytes) return;
  for (std::size_t page = 4096; page + 8 < bytes; page += 4096)
    for (std::size_t at = page; at < page + 8; ++at) visit(at);
  for (std::size_t at = bytes - kMarkedBytes; at < bytes; ++at) visit(at);
}

inline void write_pattern(void* block, std::size_t bytes, std::uint64_t mark) noexcept {
  auto* memory = static_cast<std::byte*>(block);
  for_each_marked(bytes, [&](std::size_t at) { memory[at] = mark_at(mark, at); });
}

[[nodiscard]] inline bool has_pattern(const void* block, std::size_t bytes,
                                      std::uint64_t mark) noexcept {
  const auto* memory = static_cast<const std::byte*>(block);
  bool same = true;
  for_each_marked(bytes, [&](std::size_t at) { same = same && memory[at] == mark_at(mark, at); });
  return same;
}

// True if the first `bytes` of a block that was written as `written_bytes` long
// still carry what was marked there.
[[nodiscard]] inline bool has_pattern_prefix(const void* block, std::size_t bytes,
                                             std::size_t written_bytes,
                                             std::uint64_t mark) noexcept {
  const auto* memory = static_cast<const std::byte*>(block);
  bool same = true;
  for_each_marked(written_bytes, [&](std::size_t at) {
    same = same && (at >= bytes || memory[at] == mark_at(mark, at));
  });
  return same;
}

[[nodiscard]] inline bool is_zero(const void* block, std::size_t bytes) noexcept {
  const auto* memory = static_cast<const std::byte*>(block);
  return bytes == 0 ||
         (memory[0] == std::byte{0} && std::memcmp(memory, memory + 1, bytes - 1) == 0);
}

}  // namespace luna::test
