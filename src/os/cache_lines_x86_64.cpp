// SPDX-License-Identifier: MIT
// Lines of the caches of x86-64. Only this file or the one of another processor is compiled.
#include "os/cache_lines.hpp"

namespace luna::os {

namespace {

constexpr std::uint16_t kClflushopt = 1;
constexpr std::uint16_t kClwb = 2;

struct Cpuid {
  std::uint32_t a, b, c, d;
};

[[nodiscard]] Cpuid cpuid(std::uint32_t leaf) noexcept {
  Cpuid result;
  asm("cpuid" : "=a"(result.a), "=b"(result.b), "=c"(result.c), "=d"(result.d) : "a"(leaf), "c"(0));
  return result;
}

// Each of the loops is a line or two, so that nothing stands between the instructions.
void clwb(LineRange lines, std::uintptr_t step) noexcept {
  for (std::uintptr_t at = lines.begin; at < lines.end; at += step)
    asm volatile("clwb (%0)" : : "r"(at) : "memory");
}

void clflushopt(LineRange lines, std::uintptr_t step) noexcept {
  for (std::uintptr_t at = lines.begin; at < lines.end; at += step)
    asm volatile("clflushopt (%0)" : : "r"(at) : "memory");
}

// Some processors order it by mfence alone, which callers need not know.
void clflush(LineRange lines, std::uintptr_t step) noexcept {
  asm volatile("mfence" : : : "memory");
  for (std::uintptr_t at = lines.begin; at < lines.end; at += step)
    asm volatile("clflush (%0)" : : "r"(at) : "memory");
  asm volatile("mfence" : : : "memory");
}

}  // namespace

CacheTraits find_cache_traits() noexcept {
  constexpr std::uint32_t kUsualLineBytes = 64;
  const std::uint32_t line = (cpuid(1).b >> 8 & 0xff) * 8;
  const std::uint32_t extended = cpuid(0).a >= 7 ? cpuid(7).b : 0;
  const std::uint32_t features =
      ((extended >> 23 & 1) != 0 ? kClflushopt : 0U) | ((extended >> 24 & 1) != 0 ? kClwb : 0U);
  return {static_cast<std::uint16_t>(line != 0 ? line : kUsualLineBytes),
          static_cast<std::uint16_t>(features)};
}

void write_back_lines(LineRange lines, CacheTraits traits) noexcept {
  if ((traits.features & kClwb) == 0) return flush_lines(lines, traits);
  clwb(lines, traits.line_bytes);
}

void flush_lines(LineRange lines, CacheTraits traits) noexcept {
  if ((traits.features & kClflushopt) == 0) return clflush(lines, traits.line_bytes);
  clflushopt(lines, traits.line_bytes);
}

}  // namespace luna::os
