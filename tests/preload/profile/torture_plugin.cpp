// SPDX-License-Identifier: MIT
// A library that allocates from frames of FRAME_BYTES; it is built with several of them, so
// that each has the same code with other tables to unwind it by.
#include <cstdlib>

extern "C" [[gnu::noinline]] void* plugin_take(std::size_t bytes) {
  volatile char room[FRAME_BYTES];
  room[FRAME_BYTES - 1] = 1;
  void* block = malloc(bytes);
  asm volatile("" : : "r"(room) : "memory");
  return block;
}

extern "C" [[gnu::noinline]] void* plugin_take_deep(std::size_t bytes, int depth) {
  volatile char room[FRAME_BYTES];
  room[FRAME_BYTES - 1] = 1;
  void* block = depth == 0 ? plugin_take(bytes) : plugin_take_deep(bytes, depth - 1);
  asm volatile("" : : "r"(room) : "memory");
  return block;
}
