// SPDX-License-Identifier: MIT
#include "os/cache_lines.hpp"

#include "base/align.hpp"

namespace luna::os {

namespace {

[[nodiscard]] LineRange lines_of(const void* address, std::size_t bytes,
                                 CacheTraits traits) noexcept {
  const std::uintptr_t begin = address_of(address);
  return {round_down(begin, traits.line_bytes), begin + bytes};
}

}  // namespace

void CacheLines::write_back(const void* address, std::size_t bytes) noexcept {
  const CacheTraits found = traits();
  if (bytes != 0) write_back_lines(lines_of(address, bytes, found), found);
}

void CacheLines::flush(const void* address, std::size_t bytes) noexcept {
  const CacheTraits found = traits();
  if (bytes != 0) flush_lines(lines_of(address, bytes, found), found);
}

CacheTraits CacheLines::traits() noexcept {
  CacheTraits known = traits_.load(std::memory_order_relaxed);
  if (known.line_bytes != 0) [[likely]]
    return known;
  known = find_cache_traits();
  traits_.store(known, std::memory_order_relaxed);
  return known;
}

}  // namespace luna::os
