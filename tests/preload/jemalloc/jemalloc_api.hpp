// SPDX-License-Identifier: MIT
// jemalloc's functions as jemalloc(3) has them, so that these programs need no package of it.
#pragma once

#include "expect.hpp"

#include <cstddef>
#include <cstdint>

extern "C" {
void* mallocx(std::size_t bytes, int flags);
void* rallocx(void* pointer, std::size_t bytes, int flags);
std::size_t xallocx(void* pointer, std::size_t bytes, std::size_t extra, int flags);
std::size_t sallocx(const void* pointer, int flags);
void dallocx(void* pointer, int flags);
void sdallocx(void* pointer, std::size_t bytes, int flags);
std::size_t nallocx(std::size_t bytes, int flags);
int mallctl(const char* name, void* old, std::size_t* old_bytes, void* next,
            std::size_t next_bytes);
int mallctlnametomib(const char* name, std::size_t* parts, std::size_t* count);
int mallctlbymib(const std::size_t* parts, std::size_t count, void* old, std::size_t* old_bytes,
                 void* next, std::size_t next_bytes);
void malloc_stats_print(void (*write)(void* context, const char* text), void* context,
                        const char* letters);
}

namespace jemalloc {

inline constexpr int kZero = 0x40;

// Flags that jemalloc's MALLOCX_LG_ALIGN, MALLOCX_TCACHE and MALLOCX_ARENA make.
[[nodiscard]] constexpr int aligned(int logarithm) noexcept { return logarithm; }
[[nodiscard]] constexpr int cache(int number) noexcept { return (number + 2) << 8; }
[[nodiscard]] constexpr int arena(int number) noexcept { return (number + 1) << 20; }

template <typename Value>
[[nodiscard]] Value get(const char* name) {
  Value value{};
  std::size_t bytes = sizeof value;
  const int error = mallctl(name, &value, &bytes, nullptr, 0);
  if (error != 0) expect::print(2, "%s: error %d\n", name, error);
  EXPECT(error == 0 && bytes == sizeof value);
  return value;
}

template <typename Value>
[[nodiscard]] int set(const char* name, Value value) {
  return mallctl(name, nullptr, nullptr, &value, sizeof value);
}

// Has the figures looked at anew, which is not done at once if it takes long.
inline void refresh() {
  const auto before = get<std::uint64_t>("epoch");
  while (get<std::uint64_t>("epoch") == before) EXPECT(set<std::uint64_t>("epoch", 1) == 0);
}

}  // namespace jemalloc
