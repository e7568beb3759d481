// SPDX-License-Identifier: MIT
// What the kernel says of this process. Reads with read(2) into the stack, so that measuring
// does not allocate.
#pragma once

#include "expect.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace measure {

// Returns the length; the text is cut at `capacity - 1` bytes and ends with a zero.
inline std::size_t read_file(const char* path, char* text, std::size_t capacity) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  EXPECT(file >= 0);
  std::size_t length = 0;
  while (length + 1 < capacity) {
    const ssize_t got = read(file, text + length, capacity - 1 - length);
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  close(file);
  text[length] = '\0';
  return length;
}

// The number behind `key` in a file of "Key:   1234 kB" lines, in bytes.
inline std::size_t kilobytes_of(const char* path, const char* key) {
  char text[8192];
  read_file(path, text, sizeof text);
  const char* const line = std::strstr(text, key);
  EXPECT(line != nullptr);
  return std::strtoull(line + std::strlen(key), nullptr, 10) * 1024;
}

// Exact, unlike statm, whose counters lag behind by a batch per thread.
inline std::size_t resident_bytes() { return kilobytes_of("/proc/self/smaps_rollup", "Rss:"); }

inline std::size_t anonymous_bytes() {
  return kilobytes_of("/proc/self/smaps_rollup", "Anonymous:");
}

inline std::size_t virtual_bytes() { return kilobytes_of("/proc/self/status", "VmSize:"); }

inline std::size_t mapping_count() {
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  EXPECT(file >= 0);
  std::size_t lines = 0;
  char text[4096];
  ssize_t got = 0;
  while ((got = read(file, text, sizeof text)) > 0) {
    for (ssize_t i = 0; i < got; ++i) lines += text[i] == '\n' ? 1 : 0;
  }
  close(file);
  return lines;
}

}  // namespace measure
