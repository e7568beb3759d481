// SPDX-License-Identifier: MIT
#include "os/pagemap.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/huge_memory.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace luna {
namespace {

constexpr std::uint64_t kInMemory = std::uint64_t{1} << 63;
constexpr std::uint64_t kSwappedOut = std::uint64_t{1} << 62;
constexpr std::uint64_t kSoftDirty = std::uint64_t{1} << 55;

// Pages of memory that exist once, mapped at two places, written to and locked.
class Pagemap : public testing::Test {
 protected:
  void SetUp() override {
    const int file = ::memfd_create("pagemap", MFD_CLOEXEC);
    ASSERT_GE(file, 0);
    ASSERT_EQ(::ftruncate(file, static_cast<off_t>(2 * page_)), 0);
    for (std::byte*& place : places_) {
      void* memory = ::mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      ASSERT_NE(memory, MAP_FAILED);
      place = static_cast<std::byte*>(memory);
      std::memset(place, 1, 2 * page_);
      locked_ = locked_ && ::mlock(place, 2 * page_) == 0;
    }
    ::close(file);
  }

  void TearDown() override {
    for (std::byte* place : places_) ::munmap(place, 2 * page_);
  }

  // Not to those without rights. An emulator may have pages that the page map does not know.
  [[nodiscard]] bool is_told() const {
    std::uint64_t physical;
    const int error = os::physical_address(places_[0], physical);
    EXPECT_TRUE(error == 0 || error == EPERM || page_ > 4096) << error;
    return locked_ && error == 0;
  }

  // The address of the first byte asked for, which is the same again behind the others': the
  // kernel has not moved the page meanwhile.
  template <typename Ask>
  void ask_undisturbed(Ask ask) {
    std::uint64_t before = 0;
    std::uint64_t after = 1;
    for (int i = 0; i < 100 && before != after; ++i) {
      ASSERT_EQ(os::physical_address(places_[0], before), 0);
      ask();
      ASSERT_EQ(os::physical_address(places_[0], after), 0);
    }
    ASSERT_EQ(before, after);
    first_ = before;
  }

  std::size_t page_ = os::page_bytes();
  std::byte* places_[2] = {};
  bool locked_ = true;
  std::uint64_t first_ = 0;
};

TEST_F(Pagemap, OnePageMappedTwiceHasOneAddress) {
  if (!is_told()) GTEST_SKIP() << "physical addresses are hidden here";
  std::uint64_t again = 0;

  ask_undisturbed([&] { ASSERT_EQ(os::physical_address(places_[1], again), 0); });

  EXPECT_EQ(first_, again);
  EXPECT_EQ(first_ % page_, 0U);
}

TEST_F(Pagemap, TwoPagesHaveTwoAddresses) {
  if (!is_told()) GTEST_SKIP() << "physical addresses are hidden here";
  std::uint64_t other = 0;

  ask_undisturbed([&] { ASSERT_EQ(os::physical_address(places_[0] + page_, other), 0); });

  EXPECT_NE(first_ / page_, other / page_);
}

TEST_F(Pagemap, PlaceInThePageIsKept) {
  if (!is_told()) GTEST_SKIP() << "physical addresses are hidden here";
  std::uint64_t inner = 0;
  std::uint64_t last = 0;

  ask_undisturbed([&] {
    ASSERT_EQ(os::physical_address(places_[0] + 123, inner), 0);
    ASSERT_EQ(os::physical_address(places_[0] + page_ - 1, last), 0);
  });

  EXPECT_EQ(inner, first_ + 123);
  EXPECT_EQ(last, first_ + page_ - 1);
}

// A second source: the kernel's flags of the frame say that it is mapped, and swap-backed.
TEST_F(Pagemap, FrameIsOneThatTheKernelKnowsAsInUse) {
  constexpr std::uint64_t kMapped = std::uint64_t{1} << 11;
  constexpr std::uint64_t kSwapBacked = std::uint64_t{1} << 14;
  const int flags_of_frames = ::open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
  if (!is_told() || flags_of_frames < 0) GTEST_SKIP() << "frames are hidden here";
  std::uint64_t flags = 0;

  ask_undisturbed([&] {
    std::uint64_t physical = 0;
    ASSERT_EQ(os::physical_address(places_[0], physical), 0);
    ASSERT_EQ(::pread(flags_of_frames, &flags, sizeof flags,
                      static_cast<off_t>(physical / page_ * sizeof flags)),
              static_cast<ssize_t>(sizeof flags));
  });

  EXPECT_NE(flags & kMapped, 0U);
  EXPECT_NE(flags & kSwapBacked, 0U);
  ::close(flags_of_frames);
}

// In a child, which gives its rights away.
TEST_F(Pagemap, FramesAreHiddenFromThoseWithoutRights) {
  if (!is_told() || ::getuid() != 0) GTEST_SKIP() << "only root can give rights away";
  const pid_t child = ::fork();
  if (child == 0) {
    std::uint64_t physical = 7;
    if (::setuid(65534) != 0) ::_exit(100);
    const int closed = os::physical_address(&physical, physical);  // others may not look in
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    const int hidden = os::physical_address(&physical, physical);
    ::_exit((closed == EPERM ? 0 : 1) + (hidden == EPERM ? 0 : 2) + (physical == 7 ? 0 : 4));
  }
  int status = -1;

  ASSERT_EQ(::waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
}

TEST(PagemapErrors, NothingIsBehindWhatWasNeverTouched) {
  const std::size_t page = os::page_bytes();
  void* memory = os::map(page);
  ASSERT_NE(memory, nullptr);
  std::uint64_t physical = 7;

  EXPECT_EQ(os::physical_address(memory, physical), ENXIO);
  EXPECT_EQ(physical, 7U);
  os::release(memory, page);
}

TEST(PagemapErrors, WhatIsNotMappedIsInvalid) {
  // The pages on both sides keep others from coming to lie there.
  const std::size_t page = os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::reserve(3 * page));
  ASSERT_NE(memory, nullptr);
  os::release(memory + page, page);
  std::uint64_t physical = 7;

  EXPECT_EQ(os::physical_address(memory + page + 5, physical), EINVAL);
  EXPECT_EQ(os::physical_address(nullptr, physical), EINVAL);
  EXPECT_EQ(os::physical_address(reinterpret_cast<const void*>(~std::uintptr_t{0}), physical),
            EINVAL);
  EXPECT_EQ(physical, 7U);
  os::release(memory, page);
  os::release(memory + 2 * page, page);
}

TEST(PagemapErrors, EntriesMeanWhatTheKernelSays) {
  std::uint64_t frame = 0;

  EXPECT_EQ(os::frame_of(kInMemory | kSoftDirty | 0x1234, frame), 0);
  EXPECT_EQ(frame, 0x1234U);
  EXPECT_EQ(os::frame_of(kInMemory | kSoftDirty, frame), EPERM);
  EXPECT_EQ(os::frame_of(kSwappedOut | 0x1234, frame), ENXIO);
  EXPECT_EQ(os::frame_of(0, frame), ENXIO);
  EXPECT_EQ(frame, 0x1234U);
}

TEST(HugePageScan, FindsWhatHugePagesBack) {
  const test::LoneRegion region;
  region.commit();
  const std::uintptr_t begin = address_of(region.memory);
  std::memset(region.memory, 1, kRegionBytes);
  std::size_t huge = 7;
  os::HugePageScan scan;
  const bool told = scan.count(begin, kRegionBytes, huge);  // since Linux 6.7
  EXPECT_EQ(huge, 0U);

  const bool gathered = os::collapse_to_huge_page(region.memory, kRegionBytes);  // since 6.1
  ASSERT_EQ(gathered, test::kernel_collapses());
  EXPECT_EQ(scan.count(begin, kRegionBytes, huge), told);
  EXPECT_EQ(huge, told && gathered ? kRegionBytes : 0);
  EXPECT_EQ(scan.count(begin, kRegionBytes / 2, huge), told);
  EXPECT_EQ(huge, told && gathered ? kRegionBytes / 2 : 0);

  ASSERT_TRUE(os::purge(region.memory, os::page_bytes()));
  EXPECT_EQ(scan.count(begin, kRegionBytes, huge), told);
  EXPECT_EQ(huge, 0U);
}

}  // namespace
}  // namespace luna
