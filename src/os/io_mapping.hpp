// SPDX-License-Identifier: MIT
// Memory of devices in the address space of the process, and how the processor treats it, which
// the driver behind the descriptor decides. lunalloc/physical.h says what programs see of this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

enum class IoAttribute : std::uint8_t { kByDriver, kCached, kUncached, kWriteCombining };

// What the kernel says of an open file.
struct IoFile {
  std::uint32_t mode;         // as of fstat()
  std::uint64_t device;       // likewise, of a device file
  std::uint64_t file_system;  // its magic number
  int flags;                  // as of fcntl(F_GETFL)
  std::string_view name;      // the last part of the path; empty: not known
};

// How its driver maps it; kByDriver where that cannot be known.
[[nodiscard]] IoAttribute attribute_of(const IoFile& file) noexcept;

// Whether what a file gives is what is wanted: 0, EINVAL or ENOTSUP.
[[nodiscard]] int compare_attributes(IoAttribute given, IoAttribute wanted) noexcept;

struct IoRegion {
  std::uint64_t offset;
  std::size_t bytes;
};

// Both return 0 or an errno value.
[[nodiscard]] int map_io(int file, IoRegion region, IoAttribute wanted, void*& address) noexcept;
[[nodiscard]] int unmap_io(void* address, std::size_t bytes) noexcept;

}  // namespace luna::os
