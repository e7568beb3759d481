// SPDX-License-Identifier: MIT
// Where blocks come from when a list is empty: larger classes, granules taken several
// at once; and what idle classes give up while others grow.
#include "os/memory.hpp"
#include "support/one_thread.hpp"
#include "support/pattern.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

namespace luna {
namespace {

using test::OneThread;

constexpr std::size_t kSmall = 112;
constexpr std::size_t kLarger = 128;
constexpr std::size_t kLoans = 8;

// A thread that has a slab with free blocks of the larger class, and none of the small one.
struct Lender : OneThread {
  Lender() { first = thread.allocate(kLarger); }

  [[nodiscard]] SizeClass class_of(const void* block) { return slab_of(block).size_class; }

  void* first;
};

TEST(Refill, ColdClassBorrowsFromALargerOne) {
  Lender fixture;
  const void* block = fixture.thread.allocate(kSmall);

  EXPECT_EQ(fixture.class_of(block), size_class_of(kLarger));
  EXPECT_EQ(fixture.slabs(), 1U);
}

TEST(Refill, ClassHasASlabOfItsOwnAfterAFewBlocks) {
  Lender fixture;
  const std::vector<void*> blocks = fixture.allocate_many(kLoans + 1, kSmall);

  EXPECT_EQ(fixture.class_of(blocks[kLoans - 1]), size_class_of(kLarger));
  EXPECT_EQ(fixture.class_of(blocks[kLoans]), size_class_of(kSmall));
}

TEST(Refill, BorrowedBlockGoesBackToItsClass) {
  Lender fixture;
  void* block = fixture.thread.allocate(kSmall);
  fixture.thread.deallocate(block);

  EXPECT_EQ(fixture.thread.allocate(kLarger), block);
}

TEST(Refill, BorrowedBlockIsZeroedAsAWhole) {
  Lender fixture;
  void* block = fixture.thread.allocate(kLarger);
  std::memset(block, 0xd1, kLarger);
  fixture.thread.deallocate(block);
  const auto* zeroed = static_cast<std::byte*>(fixture.thread.allocate_zeroed(kSmall));

  ASSERT_EQ(zeroed, block);
  EXPECT_TRUE(test::is_zero(zeroed, kSmall));
}

TEST(Refill, SmallerClassLendsNothing) {
  Lender fixture;
  const void* block = fixture.thread.allocate(2 * kLarger);

  EXPECT_EQ(fixture.class_of(block), size_class_of(2 * kLarger));
}

TEST(Refill, AlignedBlockIsNotBorrowed) {
  Lender fixture;
  static_cast<void>(fixture.allocate_many(2, 80));
  for (int i = 0; i < 20; ++i) {
    const void* block = fixture.thread.allocate_aligned(64, 64);
    ASSERT_EQ(address_of(block) % 64, 0U);
  }
}

TEST(Refill, ThreadThatTookManyGranulesTakesSeveralAtOnce) {
  OneThread fixture;
  constexpr std::size_t kBlocksOfASlab = kGranuleBytes / kMaxSmallBytes;
  static_cast<void>(fixture.allocate_many(22 * kBlocksOfASlab, kMaxSmallBytes));
  std::size_t slabs = 0;
  fixture.allocator.for_each_slab([&](Slab&) { ++slabs; });

  EXPECT_EQ(slabs, 22U);
  EXPECT_GT(fixture.slabs(), slabs);  // what the page heap handed out
  EXPECT_LE(fixture.slabs(), slabs + 3);
  fixture.thread.heap().trim(false);
  EXPECT_EQ(fixture.slabs(), slabs);
}

// Many slabs of which one block in each is left, and another class that grows.
struct SparseSlabs : OneThread {
  static constexpr std::size_t kBytes = 1024;
  static constexpr std::size_t kSlabs = 40;
  static constexpr std::size_t kBlocksOfASlab = kGranuleBytes / kBytes;

  SparseSlabs() {
    std::vector<void*> blocks = allocate_many(kSlabs * kBlocksOfASlab, kBytes);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      test::write_pattern(blocks[i], kBytes, i);
      if (i % kBlocksOfASlab == 0)
        left.push_back(blocks[i]);
      else
        thread.deallocate(blocks[i]);
    }
  }

  void grow(std::size_t slabs) {
    static_cast<void>(allocate_many(slabs * kGranuleBytes / kMaxSmallBytes, kMaxSmallBytes));
  }

  [[nodiscard]] std::size_t purged_pages() {
    std::size_t pages = 0;
    allocator.for_each_slab([&](const Slab& slab) {
      pages += static_cast<std::size_t>(std::popcount(slab.purged_pages));
    });
    return pages;
  }

  std::vector<void*> left;
};

TEST(Refill, SparseSlabsOfAnIdleClassGiveTheirPagesUp) {
  SparseSlabs fixture;
  fixture.grow(40);
  EXPECT_EQ(fixture.purged_pages(), 0U);  // not idle for long yet
  fixture.grow(120);

  // Of a larger page of the kernel's a slab cannot give a part.
  if (os::page_bytes() == kPageBytes)
    EXPECT_GT(fixture.purged_pages(), 4 * SparseSlabs::kSlabs);
  else
    EXPECT_EQ(fixture.purged_pages(), 0U);
  for (std::size_t i = 0; i < fixture.left.size(); ++i)
    EXPECT_TRUE(
        test::has_pattern(fixture.left[i], SparseSlabs::kBytes, i * SparseSlabs::kBlocksOfASlab));
}

TEST(Refill, SparseSlabsOfAClassInUseKeepTheirs) {
  SparseSlabs fixture;
  for (int i = 0; i < 20; ++i) {
    fixture.grow(8);
    static_cast<void>(fixture.allocate_many(SparseSlabs::kBlocksOfASlab, SparseSlabs::kBytes));
  }

  EXPECT_EQ(fixture.purged_pages(), 0U);
}

TEST(Refill, PagesGivenUpAreUsedAgain) {
  SparseSlabs fixture;
  fixture.grow(160);
  const std::size_t slabs = fixture.slabs();
  static_cast<void>(fixture.allocate_many(
      SparseSlabs::kSlabs * (SparseSlabs::kBlocksOfASlab - 1) - 64, SparseSlabs::kBytes));

  EXPECT_LE(fixture.slabs(), slabs + 4);
}

}  // namespace
}  // namespace luna
