// SPDX-License-Identifier: MIT
// Devices that can be mapped are rare where tests run: files in memory stand for them, and what
// the kernel would say of a device is given as it would be.
#include "os/io_mapping.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace luna {
namespace {

using os::IoAttribute;

constexpr std::uint64_t kDmaBuf = 0x444d'4142;

struct Case {
  const char* what;
  os::IoFile file;
  IoAttribute expected;
};

const Case kCases[] = {
    {"memfd", {S_IFREG, 0, TMPFS_MAGIC, O_RDWR, "memfd:x"}, IoAttribute::kCached},
    {"disk", {S_IFREG, 0, EXT4_SUPER_MAGIC, O_RDWR | O_SYNC, "file"}, IoAttribute::kCached},
    {"mem", {S_IFCHR, 0x101, TMPFS_MAGIC, O_RDWR, "mem"}, IoAttribute::kCached},
    {"mem, sync", {S_IFCHR, 0x101, TMPFS_MAGIC, O_RDWR | O_SYNC, "mem"}, IoAttribute::kUncached},
    {"mem, dsync", {S_IFCHR, 0x101, TMPFS_MAGIC, O_RDWR | O_DSYNC, "mem"}, IoAttribute::kUncached},
    {"zero", {S_IFCHR, 0x105, TMPFS_MAGIC, O_RDWR, "zero"}, IoAttribute::kByDriver},
    {"PCI", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, "resource0"}, IoAttribute::kUncached},
    {"PCI, wc", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, "resource2_wc"}, IoAttribute::kWriteCombining},
    {"sysfs", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, "resource"}, IoAttribute::kByDriver},
    {"sysfs", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, "resource0_resize"}, IoAttribute::kByDriver},
    {"sysfs", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, "resourceful"}, IoAttribute::kByDriver},
    {"sysfs", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, "legacy_mem"}, IoAttribute::kByDriver},
    {"sysfs", {S_IFREG, 0, SYSFS_MAGIC, O_RDWR, ""}, IoAttribute::kByDriver},
    {"disk", {S_IFREG, 0, EXT4_SUPER_MAGIC, O_RDWR, "resource0_wc"}, IoAttribute::kCached},
    {"proc", {S_IFREG, 0, PROC_SUPER_MAGIC, O_RDWR, "00.0"}, IoAttribute::kByDriver},
    {"UIO", {S_IFCHR, 0xf000, TMPFS_MAGIC, O_RDWR | O_SYNC, "uio0"}, IoAttribute::kByDriver},
    {"VFIO", {0, 0, ANON_INODE_FS_MAGIC, O_RDWR, "[vfio-device]"}, IoAttribute::kByDriver},
    {"dma-buf", {S_IFREG, 0, kDmaBuf, O_RDWR, "dmabuf:"}, IoAttribute::kByDriver},
};

TEST(IoMapping, DriversAreToldByTheirDescriptors) {
  for (const Case& one : kCases)
    EXPECT_EQ(os::attribute_of(one.file), one.expected) << one.what << " " << one.file.name;
}

TEST(IoMapping, AnotherAttributeThanWantedIsRefused) {
  using enum IoAttribute;

  for (const IoAttribute given : {kByDriver, kCached, kUncached, kWriteCombining}) {
    EXPECT_EQ(os::compare_attributes(given, kByDriver), 0);
    EXPECT_EQ(os::compare_attributes(given, given), 0);
  }
  EXPECT_EQ(os::compare_attributes(kCached, kUncached), EINVAL);
  EXPECT_EQ(os::compare_attributes(kUncached, kCached), EINVAL);
  EXPECT_EQ(os::compare_attributes(kWriteCombining, kUncached), EINVAL);
  EXPECT_EQ(os::compare_attributes(kCached, kWriteCombining), ENOTSUP);
  EXPECT_EQ(os::compare_attributes(kUncached, kWriteCombining), ENOTSUP);
  EXPECT_EQ(os::compare_attributes(kByDriver, kCached), ENOTSUP);
  EXPECT_EQ(os::compare_attributes(kByDriver, kUncached), ENOTSUP);
  EXPECT_EQ(os::compare_attributes(kByDriver, kWriteCombining), ENOTSUP);
}

// Three pages, each byte of which tells where it is.
class IoMappingOfFile : public testing::Test {
 protected:
  void SetUp() override {
    file_ = ::memfd_create("io_mapping", MFD_CLOEXEC);
    ASSERT_GE(file_, 0);
    contents_.resize(3 * page_);
    for (std::size_t i = 0; i < contents_.size(); ++i)
      contents_[i] = static_cast<unsigned char>(i / 251 + i);
    ASSERT_EQ(::pwrite(file_, contents_.data(), contents_.size(), 0),
              static_cast<ssize_t>(contents_.size()));
  }

  void TearDown() override { ::close(file_); }

  std::size_t page_ = os::page_bytes();
  int file_ = -1;
  std::vector<unsigned char> contents_;
};

TEST_F(IoMappingOfFile, AnyOffsetIsWhereTheAddressIs) {
  for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, page_ - 1, page_, page_ + 77}) {
    const std::size_t bytes = page_ + 5;
    void* address = nullptr;
    ASSERT_EQ(os::map_io(file_, {offset, bytes}, IoAttribute::kCached, address), 0);

    EXPECT_EQ(address_of(address) % page_, offset % page_);
    EXPECT_EQ(std::memcmp(address, contents_.data() + offset, bytes), 0);
    EXPECT_EQ(os::unmap_io(address, bytes), 0);
  }
}

TEST_F(IoMappingOfFile, WhatIsStoredIsInTheFile) {
  void* address = nullptr;
  ASSERT_EQ(os::map_io(file_, {page_ + 3, 10}, IoAttribute::kByDriver, address), 0);

  std::memset(address, 'x', 10);

  char read[10] = {};
  EXPECT_EQ(::pread(file_, read, sizeof read, static_cast<off_t>(page_ + 3)), 10);
  EXPECT_EQ(std::string_view(read, 10), "xxxxxxxxxx");
  EXPECT_EQ(os::unmap_io(address, 10), 0);
}

TEST_F(IoMappingOfFile, AllPagesOfTheRangeAreUnmapped) {
  void* address = nullptr;
  ASSERT_EQ(os::map_io(file_, {page_ - 1, 2}, IoAttribute::kCached, address), 0);
  std::byte* first = static_cast<std::byte*>(address) - (page_ - 1);
  ASSERT_TRUE(os::is_readable(address_of(first)) && os::is_readable(address_of(first) + page_));

  EXPECT_EQ(os::unmap_io(address, 2), 0);

  EXPECT_FALSE(os::is_readable(address_of(first)));
  EXPECT_FALSE(os::is_readable(address_of(first) + page_));
}

TEST_F(IoMappingOfFile, AReadOnlyDescriptorIsMappedToRead) {
  const std::string path = "/proc/self/fd/" + std::to_string(file_);
  const int reading = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int writing = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(reading, 0);
  ASSERT_GE(writing, 0);
  void* address = nullptr;

  EXPECT_EQ(os::map_io(writing, {0, 1}, IoAttribute::kCached, address), EACCES);
  ASSERT_EQ(os::map_io(reading, {5, 1}, IoAttribute::kCached, address), 0);

  EXPECT_EQ(*static_cast<unsigned char*>(address), contents_[5]);
  EXPECT_NE(::mprotect(static_cast<std::byte*>(address) - 5, page_, PROT_READ | PROT_WRITE), 0);
  EXPECT_EQ(os::unmap_io(address, 1), 0);
  ::close(reading);
  ::close(writing);
}

TEST_F(IoMappingOfFile, RefusalsChangeNothing) {
  void* const before = this;
  void* address = before;

  EXPECT_EQ(os::map_io(file_, {0, 0}, IoAttribute::kCached, address), EINVAL);
  EXPECT_EQ(os::map_io(file_, {~std::uint64_t{0}, 2}, IoAttribute::kCached, address), EINVAL);
  EXPECT_EQ(os::map_io(file_, {0, SIZE_MAX}, IoAttribute::kCached, address), EINVAL);
  EXPECT_EQ(os::map_io(file_, {0, 1}, IoAttribute::kUncached, address), EINVAL);
  EXPECT_EQ(os::map_io(file_, {0, 1}, IoAttribute::kWriteCombining, address), ENOTSUP);
  EXPECT_EQ(os::map_io(file_, {2 * page_, page_ + 1}, IoAttribute::kCached, address), ENXIO);
  EXPECT_EQ(os::map_io(-1, {0, 1}, IoAttribute::kCached, address), EBADF);
  EXPECT_EQ(address, before);
  EXPECT_EQ(os::unmap_io(address, 0), EINVAL);
}

TEST(IoMapping, WhatIsNoMemoryIsRefusedByTheKernel) {
  const int events = ::eventfd(0, EFD_CLOEXEC);
  ASSERT_GE(events, 0);
  void* address = nullptr;

  EXPECT_EQ(os::map_io(events, {0, 1}, IoAttribute::kCached, address), ENOTSUP);
  EXPECT_NE(os::map_io(events, {0, 1}, IoAttribute::kByDriver, address), 0);
  ::close(events);
}

// A real device file, if none of hardware.
TEST(IoMapping, TheDriverOfADeviceDecides) {
  const int zero = ::open("/dev/zero", O_RDWR | O_CLOEXEC);
  ASSERT_GE(zero, 0);
  void* address = nullptr;

  EXPECT_EQ(os::map_io(zero, {0, 100}, IoAttribute::kUncached, address), ENOTSUP);
  const int error = os::map_io(zero, {0, 100}, IoAttribute::kByDriver, address);
  if (error == EINVAL && os::page_bytes() > 4096) GTEST_SKIP() << "an emulator maps files alone";
  ASSERT_EQ(error, 0);

  EXPECT_EQ(*static_cast<unsigned char*>(address), 0);
  EXPECT_EQ(os::unmap_io(address, 100), 0);
  ::close(zero);
}

}  // namespace
}  // namespace luna
