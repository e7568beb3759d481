// SPDX-License-Identifier: MIT
// What /proc/self/pagemap tells: physical addresses, to those who may know, and huge pages.
#pragma once

#include <cstddef>
#include <cstdint>

namespace luna::os {

// 0 or an errno value, as luna_physical_address() of lunalloc/physical.h says.
[[nodiscard]] int physical_address(const void* address, std::uint64_t& physical) noexcept;

// What an entry says of a page that is mapped: 0 and the number of its frame, or ENXIO or EPERM.
[[nodiscard]] int frame_of(std::uint64_t entry, std::uint64_t& frame) noexcept;

// Which memory huge pages back, by the ioctl PAGEMAP_SCAN of Linux 6.7. Has a file open while it
// lives: to be short. Threads: one.
class HugePageScan {
 public:
  HugePageScan() noexcept;
  ~HugePageScan();
  HugePageScan(const HugePageScan&) = delete;
  HugePageScan& operator=(const HugePageScan&) = delete;

  // How many bytes of a range; false: the kernel does not say. Requires: whole kernel pages.
  [[nodiscard]] bool count(std::uintptr_t begin, std::size_t bytes, std::size_t& huge) noexcept;

 private:
  long file_;
};

}  // namespace luna::os
