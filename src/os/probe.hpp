// SPDX-License-Identifier: MIT
// Probes that tracers of other processes (bpftrace, perf, gdb) attach to, in the form that
// SystemTap's sys/sdt.h has made common: a nop, and an ELF note that says where it is.
#pragma once

#include <cstddef>
#include <cstdint>

// A note of a place in the code: its address, that of a section by which tools see how far the
// file was moved, the address of the semaphore, then provider, probe, and the arguments, each
// as its size in bytes and its place. The places are those that the compiler chose.
#define LUNA_PROBE(probe, arguments)                                      \
  "1: nop\n"                                                              \
  ".pushsection .note.stapsdt,\"?\",\"note\"\n"                           \
  ".balign 4\n"                                                           \
  ".4byte 3f-2f, 5f-4f, 3\n"                                              \
  "2: .asciz \"stapsdt\"\n"                                               \
  "3: .balign 4\n"                                                        \
  "4: .8byte 1b\n"                                                        \
  ".8byte _.stapsdt.base\n"                                               \
  ".8byte otel_memory_" probe                                             \
  "_semaphore\n"                                                          \
  ".asciz \"otel_memory\"\n"                                              \
  ".asciz \"" probe                                                       \
  "\"\n"                                                                  \
  ".asciz \"" arguments                                                   \
  "\"\n"                                                                  \
  "5: .balign 4\n"                                                        \
  ".popsection\n"                                                         \
  ".ifndef _.stapsdt.base\n"                                              \
  ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
  ".weak _.stapsdt.base\n"                                                \
  ".hidden _.stapsdt.base\n"                                              \
  "_.stapsdt.base: .space 1\n"                                            \
  ".size _.stapsdt.base, 1\n"                                             \
  ".popsection\n"                                                         \
  ".endif\n"

extern "C" {
// How many tracers are attached; the kernel, or the tracer, counts. See probe.cpp.
[[gnu::visibility("hidden")]] extern const volatile unsigned short otel_memory_alloc_semaphore;
[[gnu::visibility("hidden")]] extern const volatile unsigned short otel_memory_free_semaphore;
}

namespace luna::os {

// The probes of OpenTelemetry's contract for profiles of memory: a block was allocated that is
// a sample, and stands for so many bytes; one was freed.
[[nodiscard]] inline bool traces_allocations() noexcept { return otel_memory_alloc_semaphore != 0; }

inline void probe_allocation(std::uintptr_t block, std::size_t bytes,
                             std::uint64_t weighted_bytes) noexcept {
  asm volatile(LUNA_PROBE("alloc", "8@%0 8@%1 8@%2")
               :
               : "r"(block), "r"(bytes), "r"(weighted_bytes)
               : "memory");
}

inline void probe_free(std::uintptr_t block) noexcept {
  if (otel_memory_free_semaphore == 0) [[likely]]
    return;
  asm volatile(LUNA_PROBE("free", "8@%0") : : "r"(block) : "memory");
}

}  // namespace luna::os
