// SPDX-License-Identifier: MIT
#include "os/io_mapping.hpp"

#include "base/align.hpp"
#include "base/format.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <array>
#include <cerrno>

namespace luna::os {

namespace {

constexpr std::uint64_t kPhysicalMemory = 0x101;     // /dev/mem: device 1:1, as fstat() says it
constexpr std::uint64_t kDmaBufMagic = 0x444d'4142;  // newer than some linux/magic.h

// Their files look plain, and are not.
constexpr std::uint64_t kOfDrivers[] = {SYSFS_MAGIC,         PROC_SUPER_MAGIC, DEBUGFS_MAGIC,
                                        ANON_INODE_FS_MAGIC, TRACEFS_MAGIC,    kDmaBufMagic};

[[nodiscard]] bool is_plain_file(const IoFile& file) noexcept {
  if (!S_ISREG(file.mode)) return false;
  for (const std::uint64_t magic : kOfDrivers)
    if (file.file_system == magic) return false;
  return true;
}

// resource0 to resource5, with _wc behind where the region may be write-combining.
[[nodiscard]] IoAttribute attribute_of_pci(std::string_view name) noexcept {
  constexpr std::string_view kStart = "resource";
  const std::string_view rest = part_of(name, kStart.size());
  if (!name.starts_with(kStart) || rest.empty() || rest[0] < '0' || rest[0] > '9')
    return IoAttribute::kByDriver;
  if (rest.size() == 1) return IoAttribute::kUncached;
  return part_of(rest, 1) == "_wc" ? IoAttribute::kWriteCombining : IoAttribute::kByDriver;
}

// What is asked of the kernel about an open file.
struct Questions {
  struct stat status;
  struct statfs file_system;
  std::array<char, 1024> path;  // those of sysfs are shorter
};

[[nodiscard]] std::string_view name_of(int file, std::array<char, 1024>& path) noexcept {
  std::array<char, 32> link;
  constexpr std::string_view kEnd("\0", 1);
  Text(link.data(), link.size())
      .add("/proc/self/fd/")
      .add_decimal(static_cast<std::uint64_t>(file))
      .add(kEnd);
  const long length = system_call(SYS_readlinkat, AT_FDCWD, link.data(), path.data(), path.size());
  if (length <= 0 || static_cast<std::size_t>(length) == path.size()) return {};
  const std::string_view text(path.data(), static_cast<std::size_t>(length));
  return part_of(text, text.rfind('/') + 1);  // all of it where there is none
}

[[nodiscard]] int look_at(int file, Questions& answers, IoFile& found) noexcept {
  if (const long result = system_call(SYS_fstat, file, &answers.status); result < 0)
    return static_cast<int>(-result);
  if (const long result = system_call(SYS_fstatfs, file, &answers.file_system); result < 0)
    return static_cast<int>(-result);
  const long flags = system_call(SYS_fcntl, file, F_GETFL, 0);
  if (flags < 0) return static_cast<int>(-flags);
  found = {answers.status.st_mode, answers.status.st_rdev,
           static_cast<std::uint64_t>(answers.file_system.f_type), static_cast<int>(flags),
           name_of(file, answers.path)};
  return 0;
}

[[nodiscard]] int access_of(int flags) noexcept {
  const int mode = flags & O_ACCMODE;
  if (mode == O_RDONLY) return PROT_READ;
  return mode == O_WRONLY ? PROT_WRITE : PROT_READ | PROT_WRITE;
}

}  // namespace

IoAttribute attribute_of(const IoFile& file) noexcept {
  if (is_plain_file(file)) return IoAttribute::kCached;
  if (S_ISCHR(file.mode) && file.device == kPhysicalMemory)
    return (file.flags & O_DSYNC) != 0 ? IoAttribute::kUncached : IoAttribute::kCached;
  if (file.file_system == SYSFS_MAGIC) return attribute_of_pci(file.name);
  return IoAttribute::kByDriver;
}

int compare_attributes(IoAttribute given, IoAttribute wanted) noexcept {
  if (wanted == IoAttribute::kByDriver || wanted == given) return 0;
  if (wanted == IoAttribute::kWriteCombining || given == IoAttribute::kByDriver) return ENOTSUP;
  return EINVAL;
}

int map_io(int file, IoRegion region, IoAttribute wanted, void*& address) noexcept {
  const std::size_t page = page_bytes();
  const std::uint64_t first = round_down(region.offset, page);
  const std::size_t inner = region.offset - first;
  if (region.bytes == 0) return EINVAL;
  if (region.bytes > SIZE_MAX / 2 || region.offset > UINT64_MAX - region.bytes - page)
    return EINVAL;
  Questions answers;
  IoFile found;
  if (const int error = look_at(file, answers, found); error != 0) return error;
  if (const int error = compare_attributes(attribute_of(found), wanted); error != 0) return error;
  // Behind its end a file can be mapped, but a touch there is a signal.
  if (is_plain_file(found) &&
      region.offset + region.bytes > static_cast<std::uint64_t>(answers.status.st_size))
    return ENXIO;
  const long result = system_call(SYS_mmap, nullptr, inner + region.bytes, access_of(found.flags),
                                  MAP_SHARED, file, first);
  if (result < 0 && result > -4096) return static_cast<int>(-result);
  address = reinterpret_cast<std::byte*>(result) + inner;
  return 0;
}

int unmap_io(void* address, std::size_t bytes) noexcept {
  if (address == nullptr || bytes == 0 || bytes > SIZE_MAX / 2) return EINVAL;
  const std::uintptr_t first = round_down(address_of(address), page_bytes());
  return static_cast<int>(-system_call(SYS_munmap, first, address_of(address) - first + bytes));
}

}  // namespace luna::os
