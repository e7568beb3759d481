// SPDX-License-Identifier: MIT
#include "control/residency.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <array>

namespace luna {

bool kernel_tells_residency() noexcept {
  unsigned char backed = 0;
  const std::uintptr_t here = round_down(address_of(&backed), os::page_bytes());
  return os::find_resident(reinterpret_cast<const void*>(here), 1, &backed);
}

PageSet resident_pages(const std::byte* region) noexcept {
  PageSet result;
  std::array<unsigned char, kPagesPerRegion> backed{};
  if (!os::find_resident(region, kRegionBytes, backed.data())) return result;
  const std::size_t ours = os::page_bytes() / kPageBytes;  // in one page of the kernel's
  for (std::size_t page = 0; page < kPagesPerRegion; page += ours)
    if ((backed[page / ours] & 1U) != 0) result.set_range(page, ours);
  return result;
}

}  // namespace luna
