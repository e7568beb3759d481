// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace luna {

// What PageHeap::take_granules() gives; no memory: the kernel refuses.
struct GranulesTaken {
  void* memory = nullptr;
  std::size_t count = 0;
  bool warm = false;   // some pages of each may be backed already
  bool grows = false;  // never was so much in use lately
};

}  // namespace luna
