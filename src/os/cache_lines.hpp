// SPDX-License-Identifier: MIT
// Lines of the processor's caches, written back or flushed by range. What a processor has for
// that is in cache_lines_x86_64.cpp or cache_lines_aarch64.cpp; for copies, see nontemporal.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna::os {

struct alignas(std::uint32_t) CacheTraits {  // so that all of it is read at once
  std::uint16_t line_bytes;                  // 0: not looked at yet
  std::uint16_t features;  // bits of the processor's file; it also works with fewer of them
};

// Lines from the one that holds `begin` to the one before `end`.
struct LineRange {
  std::uintptr_t begin;  // a multiple of line_bytes
  std::uintptr_t end;
};

// Each once for each processor. Slow: a virtual machine may be left for it.
[[nodiscard]] CacheTraits find_cache_traits() noexcept;
void write_back_lines(LineRange lines, CacheTraits traits) noexcept;
void flush_lines(LineRange lines, CacheTraits traits) noexcept;

// Looks at the processor once. Threads: any.
class CacheLines {
 public:
  constexpr CacheLines() noexcept = default;

  [[nodiscard]] std::size_t line_bytes() noexcept { return traits().line_bytes; }

  // As lunalloc/cache.h says.
  void write_back(const void* address, std::size_t bytes) noexcept;
  void flush(const void* address, std::size_t bytes) noexcept;

 private:
  [[nodiscard]] CacheTraits traits() noexcept;

  // Nothing else is told by it, and whoever looks finds the same: relaxed is enough.
  std::atomic<CacheTraits> traits_{CacheTraits{0, 0}};
};

}  // namespace luna::os
