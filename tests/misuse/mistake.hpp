// SPDX-License-Identifier: MIT
// What the programs here share: they say which pointer they are about to misuse, and hide from
// the compiler that they do. The runner, run_misuse.py, reads the announcement from stdout.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mistake {

// How a program ends of whose mistake an attacker has not got what he wanted, if nobody told it.
inline constexpr int kInVain = 9;

template <typename Value>
[[nodiscard]] inline Value opaque(Value value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

// A block that has been written, whose later use the compiler cannot foresee.
[[nodiscard]] inline char* block_of(std::size_t size) {
  auto* const block = static_cast<char*>(malloc(opaque(size)));
  if (block == nullptr) _exit(2);
  std::memset(block, 1, size < 4096 ? size : 4096);
  return opaque(block);
}

// The pointer that the message must name. Returns it, to be misused.
[[nodiscard]] inline char* announce(const void* pointer) {
  char line[32];  // not dprintf, which allocates
  const int length = snprintf(line, sizeof line, "%p\n", pointer);
  if (write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) != length) _exit(2);
  return opaque(static_cast<char*>(const_cast<void*>(pointer)));
}

// Ordinary use of blocks of one size, so that the slow path comes by and finds what is wrong.
inline void go_on_with(std::size_t size) {
  constexpr std::size_t kAtOnce = 5000;
  static void* row[kAtOnce];
  for (int round = 0; round < 20; ++round) {
    for (void*& block : row) block = block_of(size);
    for (void* block : row) free(block);
  }
}

}  // namespace mistake
