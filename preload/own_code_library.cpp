// SPDX-License-Identifier: MIT
// In liblunalloc.so: all of it.
#include "base/align.hpp"
#include "preload/own_code.hpp"

// The linker's: the first byte of this file in memory, and the end of its code.
extern "C" [[gnu::visibility("hidden")]] const char __ehdr_start;
extern "C" [[gnu::visibility("hidden")]] const char etext;

luna::CodeRange luna::own_code() noexcept {
  return {address_of(&__ehdr_start), address_of(&etext)};
}
