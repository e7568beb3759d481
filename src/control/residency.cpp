// SPDX-License-Identifier: MIT
#include "control/residency.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <array>

namespace luna {

namespace {

constexpr std::size_t kPagesAtOnce = 512;
using PageBytes = std::array<unsigned char, kPagesAtOnce>;

}  // namespace

std::size_t resident_bytes(const void* memory, std::size_t bytes) noexcept {
  const std::size_t page = os::page_bytes();
  const std::uintptr_t begin = round_down(address_of(memory), page);
  const std::size_t pages = (round_up(address_of(memory) + bytes, page) - begin) / page;
  std::size_t result = 0;
  for (std::size_t at = 0; at < pages; at += kPagesAtOnce) {
    const std::size_t count = pages - at < kPagesAtOnce ? pages - at : kPagesAtOnce;
    PageBytes backed{};
    const auto* address = reinterpret_cast<const void*>(begin + at * page);
    if (!os::find_resident(address, count * page, backed.data())) continue;
    for (std::size_t i = 0; i < count; ++i) result += (backed[i] & 1U) * page;
  }
  return result;
}

PageSet resident_pages(const std::byte* region) noexcept {
  PageSet result;
  PageBytes backed{};
  if (!os::find_resident(region, kRegionBytes, backed.data())) return result;
  const std::size_t ours = os::page_bytes() / kPageBytes;  // in one page of the kernel's
  for (std::size_t page = 0; page < kPagesPerRegion; page += ours)
    if ((backed[page / ours] & 1U) != 0) result.set_range(page, ours);
  return result;
}

}  // namespace luna
