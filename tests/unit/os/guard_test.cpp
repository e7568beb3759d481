// SPDX-License-Identifier: MIT
#include "os/guard.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/no_guard_marks.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>

namespace luna::os {
namespace {

class Guard : public testing::Test {
 protected:
  static constexpr std::size_t kPages = 4;

  void SetUp() override {
    memory_ = static_cast<std::byte*>(map(kPages * page_bytes()));
    ASSERT_NE(memory_, nullptr);
    for (std::size_t i = 0; i < kPages; ++i) page(i)[0] = std::byte{1};
  }
  void TearDown() override { release(memory_, kPages * page_bytes()); }

  [[nodiscard]] std::byte* page(std::size_t i) const { return memory_ + i * page_bytes(); }
  [[nodiscard]] bool can_be_read(std::size_t i) const {
    return is_readable(address_of(page(i))) && is_readable(address_of(page(i) + page_bytes() - 8));
  }

  std::byte* memory_ = nullptr;
};

TEST_F(Guard, CannotBeTouched) {
  ASSERT_TRUE(guard(page(2), page_bytes()));

  EXPECT_FALSE(can_be_read(2));
  EXPECT_TRUE(can_be_read(1));
  EXPECT_TRUE(can_be_read(3));
  EXPECT_DEATH(page(2)[0] = std::byte{2}, "");
}

TEST_F(Guard, WhatIsBesideItStays) {
  ASSERT_TRUE(guard(page(2), page_bytes()));

  EXPECT_EQ(page(1)[0], std::byte{1});
  EXPECT_EQ(page(3)[0], std::byte{1});
}

TEST_F(Guard, StaysWhenMemoryIsGivenBack) {
  ASSERT_TRUE(guard(page(2), page_bytes()));
  ASSERT_TRUE(purge(memory_, kPages * page_bytes()));

  EXPECT_FALSE(can_be_read(2));
  EXPECT_TRUE(can_be_read(1));
}

TEST_F(Guard, CanBeTouchedAgain) {
  ASSERT_TRUE(guard(page(2), page_bytes()));
  ASSERT_TRUE(unguard(page(2), page_bytes()));

  page(2)[0] = std::byte{3};
  EXPECT_EQ(page(2)[0], std::byte{3});
}

// Of a process that was allowed to have a filter, or was not.
[[nodiscard]] bool is_right_or_skipped(int status) {
  return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

// In a process of its own; its exit status is 0 if all went well.
[[noreturn]] void use_without_marks(std::byte* first, std::byte* second) {
  if (!::test::refuse_guard_marks()) _exit(77);
  const std::uintptr_t address = address_of(second);
  bool right = guard(second, page_bytes()) && !is_readable(address) && is_readable(address - 8);
  right = right && unguard(second, page_bytes()) && is_readable(address);
  right = right && first[0] == std::byte{1};
  for (std::size_t i = 0; i < 2 * kMaxMappedGuards; ++i)
    right = right && guard(second, page_bytes()) && unguard(second, page_bytes());
  _exit(right ? 0 : 1);
}

TEST_F(Guard, IsAMappingWhereTheKernelHasNoMarks) {
  EXPECT_EXIT(use_without_marks(page(1), page(2)), is_right_or_skipped, "");
}

// Of which there are no more than so many.
[[noreturn]] void use_up_mappings(std::byte* memory, std::size_t pages) {
  if (!::test::refuse_guard_marks()) _exit(77);
  std::size_t guards = 0;
  for (std::size_t i = 0; i < pages; i += 2)
    guards += guard(memory + i * page_bytes(), page_bytes()) ? 1 : 0;
  _exit(guards == kMaxMappedGuards ? 0 : 1);
}

TEST_F(Guard, MappingsAreBounded) {
  const std::size_t pages = 3 * kMaxMappedGuards;
  auto* memory = static_cast<std::byte*>(map(pages * page_bytes()));
  ASSERT_NE(memory, nullptr);
  EXPECT_EXIT(use_up_mappings(memory, pages), is_right_or_skipped, "");
  release(memory, pages * page_bytes());
}

TEST_F(Guard, IsRefusedWhereNothingIs) {
  std::byte* gone = static_cast<std::byte*>(map(page_bytes()));
  ASSERT_NE(gone, nullptr);
  release(gone, page_bytes());
  EXPECT_FALSE(guard(gone, page_bytes()));
}

}  // namespace
}  // namespace luna::os
