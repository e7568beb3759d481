// SPDX-License-Identifier: MIT
#include "os/pagemap.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>

namespace luna::os {

namespace {

constexpr std::uint64_t kInMemory = std::uint64_t{1} << 63;
constexpr std::uint64_t kFrame = (std::uint64_t{1} << 55) - 1;

// Of linux/fs.h, which older headers do not have.
struct ScannedRange {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t categories;
};
struct Scan {
  std::uint64_t bytes;
  std::uint64_t flags;
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t scanned_to;
  std::uint64_t found;
  std::uint64_t most_found;
  std::uint64_t most_pages;
  std::uint64_t inverted;
  std::uint64_t all_of;
  std::uint64_t any_of;
  std::uint64_t told;
};
static_assert(sizeof(Scan) == 96);
constexpr unsigned long kPagemapScan = _IOWR('f', 16, Scan);
constexpr std::uint64_t kIsHuge = 1U << 6;

// Old kernels do not let just anyone open it; newer ones do so only for a process that others
// may not look into.
[[nodiscard]] int error_of_open(long result) noexcept {
  if (result == -EACCES) return EPERM;
  return result == -ENOENT ? ENOTSUP : static_cast<int>(-result);
}

// Opened each time: an open one would still tell of the parent in the child of a fork.
[[nodiscard]] long open_pagemap() noexcept {
  return system_call(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC, 0);
}

[[nodiscard]] int read_entry(std::uintptr_t page, std::uint64_t& entry) noexcept {
  const long file = open_pagemap();
  if (file < 0) return error_of_open(file);
  const long count = system_call(SYS_pread64, file, &entry, sizeof entry, page * sizeof entry);
  system_call(SYS_close, file);
  if (count < 0) return static_cast<int>(-count);
  return count == sizeof entry ? 0 : EINVAL;  // it ends where addresses of processes do
}

}  // namespace

int physical_address(const void* address, std::uint64_t& physical) noexcept {
  const std::size_t bytes = page_bytes();
  const std::uintptr_t begin = round_down(address_of(address), bytes);
  unsigned char resident;
  // The page map does not tell what is not mapped from what nothing is behind.
  if (!find_resident(reinterpret_cast<const void*>(begin), bytes, &resident)) return EINVAL;
  std::uint64_t entry = 0;
  if (const int error = read_entry(begin / bytes, entry); error != 0) return error;
  std::uint64_t frame;
  if (const int error = frame_of(entry, frame); error != 0) return error;
  physical = frame * bytes + (address_of(address) - begin);
  return 0;
}

int frame_of(std::uint64_t entry, std::uint64_t& frame) noexcept {
  if ((entry & kInMemory) == 0) return ENXIO;
  if ((entry & kFrame) == 0) return EPERM;  // the kernel shows 0 in place of what it hides
  frame = entry & kFrame;
  return 0;
}

HugePageScan::HugePageScan() noexcept : file_(open_pagemap()) {}

HugePageScan::~HugePageScan() {
  if (file_ >= 0) system_call(SYS_close, file_);
}

bool HugePageScan::count(std::uintptr_t begin, std::size_t bytes, std::size_t& huge) noexcept {
  std::array<ScannedRange, 8> found;
  Scan scan{};
  scan.bytes = sizeof scan;
  scan.begin = begin;
  scan.end = begin + bytes;
  scan.found = address_of(found.data());
  scan.most_found = found.size();
  scan.all_of = scan.told = kIsHuge;
  huge = 0;
  while (file_ >= 0 && scan.begin < scan.end) {
    const long ranges = system_call(SYS_ioctl, file_, kPagemapScan, &scan);
    if (ranges < 0 || scan.scanned_to <= scan.begin) return false;
    for (long i = 0; i < ranges; ++i) {
      const ScannedRange& range = found[static_cast<std::size_t>(i)];
      huge += range.end - range.begin;
    }
    scan.begin = scan.scanned_to;
  }
  return file_ >= 0;
}

}  // namespace luna::os
