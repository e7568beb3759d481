// SPDX-License-Identifier: MIT
#include "os/guard.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/refused_calls.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
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

// What `work()` returns in a process of its own, on a kernel without marks; kNoFilter: there are no
// filters here to make it one.
constexpr int kNoFilter = 2;
template <typename Work>
[[nodiscard]] int without_marks(Work work) {
  const pid_t child = fork();
  if (child == 0) _exit(!::test::refuse_guard_marks() ? kNoFilter : work() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Guard, IsAMappingWhereTheKernelHasNoMarks) {
  const int result = without_marks([&] {
    const std::uintptr_t address = address_of(page(2));
    bool right = guard(page(2), page_bytes()) && !is_readable(address) && is_readable(address - 8);
    right = right && unguard(page(2), page_bytes()) && is_readable(address);
    right = right && page(1)[0] == std::byte{1};
    for (std::size_t i = 0; i < 2 * kMaxMappedGuards; ++i)
      right = right && guard(page(2), page_bytes()) && unguard(page(2), page_bytes());
    return right;
  });
  if (result == kNoFilter) GTEST_SKIP() << "no filters are allowed here";
  EXPECT_EQ(result, 0);
}

TEST_F(Guard, MappingsAreBounded) {
  const std::size_t pages = 3 * kMaxMappedGuards;
  auto* memory = static_cast<std::byte*>(map(pages * page_bytes()));
  ASSERT_NE(memory, nullptr);
  const int result = without_marks([&] {
    std::size_t guards = 0;
    for (std::size_t i = 0; i < pages; i += 2)
      guards += guard(memory + i * page_bytes(), page_bytes()) ? 1 : 0;
    return guards == kMaxMappedGuards;
  });
  release(memory, pages * page_bytes());
  if (result == kNoFilter) GTEST_SKIP() << "no filters are allowed here";
  EXPECT_EQ(result, 0);
}

TEST_F(Guard, IsRefusedWhereNothingIs) {
  std::byte* gone = static_cast<std::byte*>(map(page_bytes()));
  ASSERT_NE(gone, nullptr);
  release(gone, page_bytes());
  EXPECT_FALSE(guard(gone, page_bytes()));
}

}  // namespace
}  // namespace luna::os
