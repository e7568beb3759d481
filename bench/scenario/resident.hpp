// SPDX-License-Identifier: MIT
// resident: what the kernel says of this process, for scenarios that print how
// much memory stands behind their live blocks.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {

inline constexpr double kMebibyte = 1 << 20;

// The number behind `key` in a file of "Key:   1234 kB" lines, in bytes; 0 where
// the kernel does not tell.
inline std::size_t kilobytes_of(const char* path, const char* key) {
  std::FILE* const file = std::fopen(path, "r");
  if (file == nullptr) return 0;
  char line[256];
  std::size_t kilobytes = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, key, std::strlen(key)) == 0)
      kilobytes = std::strtoull(line + std::strlen(key), nullptr, 10);
  }
  std::fclose(file);
  return kilobytes * 1024;
}

// Walks all page tables: exact, but milliseconds for each GiB.
inline std::size_t rollup_bytes(const char* key) {
  return kilobytes_of("/proc/self/smaps_rollup", key);
}

// Cheap enough to be asked often; the counters behind it lag by a few dozen pages.
inline std::size_t resident_bytes() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  std::size_t mapped_pages = 0;
  std::size_t resident_pages = 0;
  const int fields = std::fscanf(file, "%zu %zu", &mapped_pages, &resident_pages);
  std::fclose(file);
  return fields == 2 ? resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

inline std::size_t minor_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_minflt);
}

}  // namespace bench
