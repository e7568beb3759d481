// SPDX-License-Identifier: MIT
// What the page heap remembers of huge pages: when to ask for them, and how that
// went. The rest is huge_pages.cpp; docs/adr/0014 says why so.
#pragma once

#include "pages/region.hpp"

#include <cstddef>
#include <cstdint>

namespace luna {

// Whether memory comes from the kernel's pool of huge pages, which somebody has to
// set aside first.
enum class Hugetlb : std::uint8_t { kOff, k2MiB, k1GiB };

// Threads: guarded by the lock of the page heap.
struct HugePages {
  Hugetlb hugetlb = Hugetlb::kOff;  // off again once the pool was found empty

  std::size_t threshold = SIZE_MAX;  // pages in use from which on there shall be some
  bool given = false;                // the kernel had one when it was asked last
  std::size_t pause = 0;             // fresh regions that go without
  std::size_t fresh = 0;             // regions that got one at once
  std::size_t islands = 0;           // stretches of regions so backed, each a mapping of its own

  // The pass over the regions that are in use: where it stands, and when it goes on.
  bool passing = false;
  Arena* arena = nullptr;
  std::size_t region = 0;
  int refusals = 0;  // of the kernel, in a row
  std::uint64_t next_ms = 0;
};

}  // namespace luna
