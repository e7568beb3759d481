// SPDX-License-Identifier: MIT
// What the kernel says of the mapping that holds an address.
#pragma once

#include "base/align.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace luna::test {

struct KernelMapping {
  std::string access;        // as "rw-p"; empty if nothing is mapped there
  std::string flags;         // two letters each
  std::size_t page_kib = 0;  // what its pages are
  std::size_t huge_kib = 0;  // of it, backed by huge pages that are not of the pool

  // Whether the kernel may give it huge pages.
  [[nodiscard]] bool is_advised() const { return flags.find(" hg") != std::string::npos; }

  // Whether it is of the kernel's pool of huge pages.
  [[nodiscard]] bool is_of_pool() const { return flags.find(" ht") != std::string::npos; }
};

[[nodiscard]] inline KernelMapping kernel_mapping_of(const void* address) {
  KernelMapping result;
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(smaps, line)) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char access[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) == 3) {
      inside = begin <= address_of(address) && address_of(address) < end;
      if (inside) result.access = access;
    }
    if (!inside) continue;
    std::sscanf(line.c_str(), "KernelPageSize: %zu", &result.page_kib);
    std::sscanf(line.c_str(), "AnonHugePages: %zu", &result.huge_kib);
    if (line.rfind("VmFlags:", 0) == 0) result.flags = line.substr(8);
  }
  return result;
}

}  // namespace luna::test
