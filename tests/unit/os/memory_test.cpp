// SPDX-License-Identifier: MIT
#include "os/memory.hpp"

#include "base/align.hpp"
#include "os/mappings.hpp"
#include "support/huge_memory.hpp"
#include "support/kernel_mappings.hpp"
#include "support/pattern.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace luna {
namespace {

// Four committed kernel pages, filled with a mark.
struct FourPages {
  FourPages() {
    memory = static_cast<std::byte*>(os::reserve(bytes));
    if (memory == nullptr || !os::commit(memory, bytes)) std::abort();
    std::memset(memory, 0x5a, bytes);
  }
  ~FourPages() { os::release(memory, bytes); }
  FourPages(const FourPages&) = delete;
  FourPages& operator=(const FourPages&) = delete;

  std::size_t page = os::page_bytes();
  std::size_t bytes = 4 * page;
  std::byte* memory;
};

TEST(Memory, PageOfTheKernelIsAPowerOfTwo) {
  EXPECT_TRUE(is_power_of_two(os::page_bytes()));
  EXPECT_GE(os::page_bytes(), 4096U);
}

TEST(Memory, ReadableIsWhatCanBeRead) {
  FourPages fixture;
  errno = 0;
  const std::uintptr_t end = address_of(fixture.memory) + fixture.bytes;

  EXPECT_TRUE(os::is_readable(end - 8));
  os::release(fixture.memory + fixture.bytes - fixture.page, fixture.page);
  EXPECT_FALSE(os::is_readable(end - 8));
  EXPECT_FALSE(os::is_readable(0));
  EXPECT_FALSE(os::is_readable(~std::uintptr_t{0} - 7));
  EXPECT_EQ(errno, 0);
}

TEST(Memory, MachineHasSome) { EXPECT_GT(os::physical_memory(), std::size_t{16} << 20); }

TEST(Memory, CommittedMemoryIsZero) {
  const FourPages fixture;
  auto* other = static_cast<std::byte*>(os::map(fixture.bytes));
  ASSERT_NE(other, nullptr);

  EXPECT_TRUE(test::is_zero(other, fixture.bytes));
  os::release(other, fixture.bytes);
}

TEST(Memory, PurgedPageReadsAsZeroAndItsNeighboursAreKept) {
  const FourPages fixture;

  ASSERT_TRUE(os::purge(fixture.memory + fixture.page, fixture.page));

  EXPECT_TRUE(test::is_zero(fixture.memory + fixture.page, fixture.page));
  EXPECT_EQ(fixture.memory[fixture.page - 1], std::byte{0x5a});
  EXPECT_EQ(fixture.memory[2 * fixture.page], std::byte{0x5a});
}

TEST(Memory, RenewedPageReadsAsZeroAndCanBeWritten) {
  const FourPages fixture;

  ASSERT_TRUE(os::renew(fixture.memory, fixture.page));

  EXPECT_TRUE(test::is_zero(fixture.memory, fixture.page));
  fixture.memory[0] = std::byte{1};
}

TEST(Memory, MovedPagesArriveAndLeaveZerosBehind) {
  const FourPages from;
  const FourPages to;
  std::memset(from.memory, 0x11, from.bytes);

  ASSERT_TRUE(os::move_pages(from.memory, to.memory, from.page));

  EXPECT_EQ(to.memory[0], std::byte{0x11});
  EXPECT_EQ(to.memory[from.page - 1], std::byte{0x11});
  EXPECT_EQ(to.memory[from.page], std::byte{0x5a});
  EXPECT_TRUE(test::is_zero(from.memory, from.page));
  EXPECT_EQ(from.memory[from.page], std::byte{0x11});
}

TEST(Memory, PagesOfSeveralMappingsAreMovedTogether) {
  const FourPages first;
  const FourPages from;
  const FourPages to;
  std::memset(first.memory, 0x11, first.bytes);
  std::memset(from.memory, 0x22, from.bytes);
  ASSERT_TRUE(os::move_pages(first.memory, from.memory, from.page));
  ASSERT_EQ(os::find_mapping(from.memory).end, address_of(from.memory) + from.page);

  ASSERT_TRUE(os::move_pages(from.memory, to.memory, from.bytes));

  EXPECT_EQ(to.memory[0], std::byte{0x11});
  EXPECT_EQ(to.memory[to.page], std::byte{0x22});
  EXPECT_EQ(to.memory[to.bytes - 1], std::byte{0x22});
  EXPECT_TRUE(test::is_zero(from.memory, from.bytes));
}

TEST(Memory, PagesChangePlaces) {
  const FourPages from;
  const FourPages to;
  std::memset(from.memory, 0x11, from.bytes);
  std::memset(to.memory, 0x22, to.bytes);

  ASSERT_TRUE(os::exchange_pages(from.memory, to.memory, 2 * from.page));

  EXPECT_EQ(to.memory[0], std::byte{0x11});
  EXPECT_EQ(to.memory[2 * to.page - 1], std::byte{0x11});
  EXPECT_EQ(to.memory[2 * to.page], std::byte{0x22});
  EXPECT_EQ(os::resident_bytes(from.memory, from.bytes), from.bytes);
  EXPECT_EQ(from.memory[2 * from.page], std::byte{0x11});
  std::memset(from.memory, 0x33, from.bytes);
  EXPECT_EQ(to.memory[0], std::byte{0x11});
}

TEST(Memory, WhatCannotChangePlacesStays) {
  const FourPages from;
  const FourPages to;
  std::memset(from.memory, 0x33, from.bytes);
  os::release(from.memory + 2 * from.page, from.page);

  ASSERT_FALSE(os::exchange_pages(from.memory, to.memory, from.bytes));

  EXPECT_EQ(from.memory[0], std::byte{0x33});
  EXPECT_EQ(from.memory[3 * from.page], std::byte{0x33});
  std::memset(to.memory, 1, to.bytes);  // still there
}

TEST(Memory, WhatCannotBeMovedStays) {
  const FourPages from;
  const FourPages to;
  std::memset(from.memory, 0x33, from.bytes);
  os::release(from.memory + 2 * from.page, from.page);

  ASSERT_FALSE(os::move_pages(from.memory, to.memory, from.bytes));

  EXPECT_EQ(from.memory[0], std::byte{0x33});
  EXPECT_EQ(from.memory[2 * from.page - 1], std::byte{0x33});
  EXPECT_EQ(from.memory[3 * from.page], std::byte{0x33});
  to.memory[0] = to.memory[to.bytes - 1] = std::byte{1};  // still there
}

TEST(Memory, ReservedPlaceIsOccupied) {
  const FourPages fixture;

  EXPECT_EQ(os::reserve_at(fixture.memory, fixture.page), os::ReserveResult::kOccupied);
}

TEST(Memory, FreePlaceIsReservedExactly) {
  auto* memory = static_cast<std::byte*>(os::reserve(4 * os::page_bytes()));
  ASSERT_NE(memory, nullptr);
  os::release(memory, 4 * os::page_bytes());

  ASSERT_EQ(os::reserve_at(memory, os::page_bytes()), os::ReserveResult::kDone);

  EXPECT_EQ(os::find_mapping(memory).begin, address_of(memory));
  os::release(memory, os::page_bytes());
}

TEST(Memory, MemoryIsMappedExactlyWhereItIsWanted) {
  const std::size_t page = os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::reserve(4 * page));
  ASSERT_NE(memory, nullptr);
  os::release(memory + page, 2 * page);

  ASSERT_TRUE(os::map_at(memory + page, 2 * page));

  EXPECT_TRUE(test::is_zero(memory + page, 2 * page));
  memory[page] = std::byte{1};
  EXPECT_FALSE(os::map_at(memory, page));
  os::release(memory, 4 * page);
}

// All pages of a region but one, which stays without backing.
struct GappedRegion : test::LoneRegion {
  GappedRegion() {
    commit();
    test::write_pattern(memory, gap, 1);
    test::write_pattern(memory + gap + kPageBytes, kRegionBytes - gap - kPageBytes, 2);
  }

  [[nodiscard]] bool is_kept() const {
    const std::byte* behind = memory + gap + kPageBytes;
    return test::has_pattern(memory, gap, 1) &&
           test::has_pattern(behind, kRegionBytes - gap - kPageBytes, 2);
  }

  [[nodiscard]] bool is_gap_backed() const {
    unsigned char backed = 0;
    return os::find_resident(memory + gap, kPageBytes, &backed) && (backed & 1U) != 0;
  }

  std::size_t gap = 77 * kPageBytes;
};

TEST(Memory, CollapseKeepsTheContentsAndBacksWhatWasNotByZeros) {
  if (!test::kernel_collapses()) GTEST_SKIP() << test::kNoCollapse;
  const GappedRegion region;
  ASSERT_FALSE(region.is_gap_backed());

  ASSERT_TRUE(os::collapse_to_huge_page(region.memory, kRegionBytes));

  EXPECT_TRUE(region.is_gap_backed());
  EXPECT_TRUE(region.is_kept());
  EXPECT_TRUE(test::is_zero(region.memory + region.gap, kPageBytes));
  EXPECT_EQ(test::kernel_mapping_of(region.memory).huge_kib, kRegionBytes / 1024);
}

TEST(Memory, RefusedCollapseChangesNothing) {
  if (!test::kernel_collapses()) GTEST_SKIP() << test::kNoCollapse;
  const GappedRegion region;
  const test::NoHugePages none;

  ASSERT_FALSE(os::collapse_to_huge_page(region.memory, kRegionBytes));

  EXPECT_FALSE(region.is_gap_backed());
  EXPECT_TRUE(region.is_kept());
  EXPECT_FALSE(test::kernel_mapping_of(region.memory).is_advised());
}

TEST(Memory, PageOfAPoolThatDoesNotExistLeavesTheRangeReserved) {
  const test::LoneRegion region;
  const std::string access = test::kernel_mapping_of(region.memory).access;

  ASSERT_FALSE(os::commit_from_pool(region.memory, 2 * kRegionBytes, 2 * kRegionBytes));

  EXPECT_EQ(access, "---p");
  EXPECT_EQ(test::kernel_mapping_of(region.memory).access, access);
  EXPECT_EQ(test::kernel_mapping_of(region.memory + kRegionBytes - 1).access, access);
  region.commit();
  EXPECT_TRUE(test::is_zero(region.memory, kRegionBytes));
  test::write_pattern(region.memory, kRegionBytes, 3);
}

TEST(Memory, EmptyPoolLeavesTheRangeReserved) {
  const test::HugePagePool pool(kRegionBytes, 0);
  if (!pool.is_as_wanted()) GTEST_SKIP() << pool.reason();
  const test::LoneRegion region;

  ASSERT_FALSE(os::commit_from_pool(region.memory, kRegionBytes, kRegionBytes));

  EXPECT_EQ(test::kernel_mapping_of(region.memory).access, "---p");
  region.commit();
  EXPECT_TRUE(test::is_zero(region.memory, kRegionBytes));
  test::write_pattern(region.memory, kRegionBytes, 3);
}

TEST(Memory, PageOfThePoolIsZeroAndCanBeWritten) {
  const test::HugePagePool pool(kRegionBytes, 1);
  if (!pool.is_as_wanted()) GTEST_SKIP() << pool.reason();
  const test::LoneRegion region;

  ASSERT_TRUE(os::commit_from_pool(region.memory, kRegionBytes, kRegionBytes));

  EXPECT_TRUE(test::is_zero(region.memory, kRegionBytes));
  test::write_pattern(region.memory, kRegionBytes, 4);
  EXPECT_TRUE(test::has_pattern(region.memory, kRegionBytes, 4));
  EXPECT_EQ(test::kernel_mapping_of(region.memory).page_kib, kRegionBytes / 1024);
}

TEST(Memory, PoolGetsBackWhatItGaveForAPlaceThatIsRefused) {
  const test::HugePagePool pool(kRegionBytes, 1);
  if (!pool.is_as_wanted()) GTEST_SKIP() << pool.reason();
  const test::LoneRegion region;
  const std::size_t before = pool.free_pages();
  std::byte* between = region.memory + os::page_bytes();

  ASSERT_FALSE(os::commit_from_pool(between, kRegionBytes, kRegionBytes));

  EXPECT_EQ(pool.free_pages(), before);
  EXPECT_EQ(test::kernel_mapping_of(between).access, "---p");
}

TEST(Memory, RefusalLeavesErrnoAlone) {
  errno = EXDEV;

  EXPECT_EQ(os::reserve(std::size_t{1} << 62), nullptr);
  EXPECT_FALSE(os::commit(reinterpret_cast<void*>(1), 4096));
  EXPECT_FALSE(os::purge(reinterpret_cast<void*>(1), 4096));
  EXPECT_FALSE(os::collapse_to_huge_page(reinterpret_cast<void*>(1), kRegionBytes));
  EXPECT_FALSE(os::commit_from_pool(reinterpret_cast<void*>(1), kRegionBytes, kRegionBytes));

  EXPECT_EQ(errno, EXDEV);
}

TEST(MemoryDeathTest, ReservedMemoryCannotBeRead) {
  auto* memory = static_cast<volatile char*>(os::reserve(os::page_bytes()));
  ASSERT_NE(memory, nullptr);

  EXPECT_DEATH(static_cast<void>(memory[0]), "");
}

}  // namespace
}  // namespace luna
