// SPDX-License-Identifier: MIT
// Lines of the caches of aarch64. Linux lets processes use these instructions (SCTLR_EL1.UCI and
// UCT), or does what they say where a processor's faults forbid that.
#include "os/cache_lines.hpp"

#include <sys/auxv.h>

namespace luna::os {

namespace {

constexpr std::uint16_t kPersistence = 1;  // dc cvap
constexpr unsigned long kHasDcpop = 1UL << 16;

// A fence is enough for other processors; only this waits also for what is farther away.
void complete() noexcept { asm volatile("dsb sy" : : : "memory"); }

}  // namespace

CacheTraits find_cache_traits() noexcept {
  std::uint64_t types;  // of caches; bits 16 to 19: words of the smallest line, as a power of two
  asm("mrs %0, ctr_el0" : "=r"(types));
  const bool persistence = (::getauxval(AT_HWCAP) & kHasDcpop) != 0;
  return {static_cast<std::uint16_t>(4U << (types >> 16 & 15)),
          persistence ? kPersistence : std::uint16_t{0}};
}

void write_back_lines(LineRange lines, CacheTraits traits) noexcept {
  if ((traits.features & kPersistence) != 0) {
    // dc cvap, which assemblers know for ARMv8.2 alone
    for (std::uintptr_t at = lines.begin; at < lines.end; at += traits.line_bytes)
      asm volatile("sys #3, c7, c12, #1, %0" : : "r"(at) : "memory");
  } else {
    for (std::uintptr_t at = lines.begin; at < lines.end; at += traits.line_bytes)
      asm volatile("dc cvac, %0" : : "r"(at) : "memory");
  }
  complete();
}

void flush_lines(LineRange lines, CacheTraits traits) noexcept {
  for (std::uintptr_t at = lines.begin; at < lines.end; at += traits.line_bytes)
    asm volatile("dc civac, %0" : : "r"(at) : "memory");
  complete();
}

}  // namespace luna::os
