// SPDX-License-Identifier: MIT
// Which sizes small blocks come in: multiples of 16 up to 128 bytes, then eight
// to each doubling up to 16 KiB. A block wastes at most an eighth of itself.
#pragma once

#include "pages/layout.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna {

using SizeClass = std::uint8_t;

inline constexpr std::size_t kMinBlockBytes = 16;
inline constexpr std::size_t kMaxSmallBytes = std::size_t{16} * 1024;
inline constexpr std::size_t kSizeClasses = 64;

// What a class is made of.
struct SizeClassInfo {
  std::uint16_t block_bytes;
  std::uint16_t capacity;    // blocks of a slab
  std::uint32_t reciprocal;  // offset / block_bytes == offset * reciprocal >> 32
};

namespace detail {

[[nodiscard]] constexpr std::size_t block_bytes_of(std::size_t size_class) noexcept {
  if (size_class < 8) return 16 * (size_class + 1);
  const std::size_t base = std::size_t{128} << (size_class - 8) / 8;
  return base + base / 8 * ((size_class - 8) % 8 + 1);
}

[[nodiscard]] constexpr std::array<SizeClassInfo, kSizeClasses> make_infos() noexcept {
  std::array<SizeClassInfo, kSizeClasses> infos{};
  for (std::size_t i = 0; i < kSizeClasses; ++i) {
    const std::size_t bytes = block_bytes_of(i);
    infos[i] = {static_cast<std::uint16_t>(bytes),
                static_cast<std::uint16_t>(kGranuleBytes / bytes),
                static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + bytes - 1) / bytes)};
  }
  return infos;
}

// Class by size in units of 16 bytes, rounded up.
using ClassTable = std::array<SizeClass, kMaxSmallBytes / 16 + 1>;

[[nodiscard]] constexpr ClassTable make_class_table() noexcept {
  ClassTable table{};
  std::size_t size_class = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    while (block_bytes_of(size_class) < i * 16) ++size_class;
    table[i] = static_cast<SizeClass>(size_class);
  }
  return table;
}

}  // namespace detail

inline constexpr std::array<SizeClassInfo, kSizeClasses> kSizeClassInfos = detail::make_infos();
inline constexpr detail::ClassTable kClassTable = detail::make_class_table();

static_assert(detail::block_bytes_of(kSizeClasses - 1) == kMaxSmallBytes);

// Requires: `bytes` <= kMaxSmallBytes.
[[nodiscard]] constexpr SizeClass size_class_of(std::size_t bytes) noexcept {
  return kClassTable[(bytes + 15) / 16];
}

[[nodiscard]] constexpr std::size_t block_bytes(SizeClass size_class) noexcept {
  return kSizeClassInfos[size_class].block_bytes;
}

// A thread has a list for each size class and, behind them, for each length of runs
// of pages up to 256 KiB.
inline constexpr std::size_t kMinListedPages = kMaxSmallBytes / kPageBytes + 1;
inline constexpr std::size_t kMaxListedPages = 64;
inline constexpr std::size_t kMaxListedBytes = kMaxListedPages * kPageBytes;
inline constexpr std::size_t kLists = kSizeClasses + kMaxListedPages - kMinListedPages + 1;

[[nodiscard]] constexpr bool is_listed(std::size_t pages) noexcept {
  return pages >= kMinListedPages && pages <= kMaxListedPages;
}

// Requires: is_listed(pages).
[[nodiscard]] constexpr std::size_t list_of_run(std::size_t pages) noexcept {
  return kSizeClasses + pages - kMinListedPages;
}

// Bytes of a block in a list.
[[nodiscard]] constexpr std::size_t listed_bytes(std::size_t list) noexcept {
  return list < kSizeClasses ? kSizeClassInfos[list].block_bytes
                             : (list - kSizeClasses + kMinListedPages) * kPageBytes;
}

// The smallest class for `bytes` whose blocks all start at a multiple of
// `alignment`; kSizeClasses if there is none. Slabs start at multiples of
// 32 KiB, so it is enough that the block size is a multiple.
[[nodiscard]] constexpr std::size_t aligned_size_class(std::size_t bytes,
                                                       std::size_t alignment) noexcept {
  if (bytes > kMaxSmallBytes) return kSizeClasses;
  std::size_t size_class = size_class_of(bytes);
  while (size_class < kSizeClasses &&
         (kSizeClassInfos[size_class].block_bytes & (alignment - 1)) != 0)
    ++size_class;
  return size_class;
}

}  // namespace luna
