// SPDX-License-Identifier: MIT
#include "hardened/zeros.hpp"

#include "os/memory.hpp"
#include "pages/layout.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace luna::hardened {
namespace {

// A page between two that nobody may touch: who reads or writes beyond a block ends here.
class Zeros : public testing::Test {
 protected:
  void SetUp() override {
    auto* three = static_cast<std::byte*>(
        mmap(nullptr, 3 * kPageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(three, MAP_FAILED);
    page_ = three + kPageBytes;
    ASSERT_EQ(mprotect(page_, kPageBytes, PROT_READ | PROT_WRITE), 0);
  }
  void TearDown() override { munmap(page_ - kPageBytes, 3 * kPageBytes); }

  void fill(int byte) { std::memset(page_, byte, kPageBytes); }

  std::byte* page_ = nullptr;
};

constexpr std::byte kOne{1};

TEST_F(Zeros, EachByteCountsAtEveryLength) {
  for (std::size_t bytes = 16; bytes <= 400; bytes += 16) {
    for (std::byte* block : {page_, page_ + kPageBytes - bytes}) {
      EXPECT_TRUE(is_zero(block, bytes)) << bytes;
      for (std::size_t i = 0; i < bytes; ++i) {
        block[i] = kOne;
        EXPECT_FALSE(is_zero(block, bytes)) << i << " of " << bytes;
        block[i] = std::byte{0};
      }
    }
  }
  EXPECT_TRUE(is_zero(page_, kPageBytes));
}

// As in a list, whose link is the first word.
TEST_F(Zeros, EachByteButThoseOfTheFirstWordCountsAtEveryLength) {
  for (std::size_t bytes = 32; bytes <= 400; bytes += 16) {
    for (std::byte* block : {page_, page_ + kPageBytes - bytes}) {
      std::fill(block, block + 8, kOne);
      EXPECT_TRUE(is_zero_but_first(block, bytes)) << bytes;
      for (std::size_t i = 8; i < bytes; ++i) {
        block[i] = kOne;
        EXPECT_FALSE(is_zero_but_first(block, bytes)) << i << " of " << bytes;
        block[i] = std::byte{0};
      }
      std::fill(block, block + 8, std::byte{0});
    }
  }
}

TEST_F(Zeros, WhatLiesBesideDoesNotCount) {
  fill(1);
  std::memset(page_ + 512, 0, 160);
  EXPECT_TRUE(is_zero(page_ + 512, 160));
  EXPECT_FALSE(is_zero(page_ + 496, 160));
  EXPECT_FALSE(is_zero(page_ + 528, 160));
}

TEST_F(Zeros, ABlockIsClearedAndNoMore) {
  for (std::size_t bytes = 32; bytes <= 400; bytes += 16) {
    fill(1);
    clear_small(page_ + 64, bytes);
    EXPECT_TRUE(is_zero(page_ + 64, bytes)) << bytes;
    EXPECT_EQ(std::count(page_, page_ + kPageBytes, std::byte{0}), static_cast<long>(bytes));
    clear_small(page_, bytes);
    clear_small(page_ + kPageBytes - bytes, bytes);
  }
}

// As behind what a program asked for, in blocks of all sizes that begin and end with the page.
TEST_F(Zeros, EachByteInFrontOfAnEndCounts) {
  for (std::size_t block = 32; block <= 320; block += 16) {
    for (std::byte* begin : {page_, page_ + kPageBytes - block}) {
      std::byte* end = begin + block - 8;
      for (std::size_t slack = 0; slack <= block - 8; ++slack) {
        fill(1);
        std::fill(end - slack, end, std::byte{0});
        EXPECT_TRUE(is_zero_in_front(end, slack)) << slack << " of " << block;
        for (std::size_t i = 1; i <= slack; ++i) {
          end[-static_cast<std::ptrdiff_t>(i)] = kOne;
          EXPECT_FALSE(is_zero_in_front(end, slack)) << i << " of " << slack;
          end[-static_cast<std::ptrdiff_t>(i)] = std::byte{0};
        }
      }
    }
  }
}

}  // namespace
}  // namespace luna::hardened
