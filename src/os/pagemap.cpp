// SPDX-License-Identifier: MIT
#include "os/pagemap.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>

#include <cerrno>

namespace luna::os {

namespace {

constexpr std::uint64_t kInMemory = std::uint64_t{1} << 63;
constexpr std::uint64_t kFrame = (std::uint64_t{1} << 55) - 1;

// Old kernels do not let just anyone open it; newer ones do so only for a process that others
// may not look into.
[[nodiscard]] int error_of_open(long result) noexcept {
  if (result == -EACCES) return EPERM;
  return result == -ENOENT ? ENOTSUP : static_cast<int>(-result);
}

// Opened each time: an open one would still tell of the parent in the child of a fork.
[[nodiscard]] int read_entry(std::uintptr_t page, std::uint64_t& entry) noexcept {
  const long file =
      system_call(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap", O_RDONLY | O_CLOEXEC, 0);
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

}  // namespace luna::os
