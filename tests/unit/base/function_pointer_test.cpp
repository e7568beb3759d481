// SPDX-License-Identifier: MIT
// Pointers to functions as the secure library keeps them, and as others do: the key is the test's.
#include "base/function_pointer.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace luna {
namespace {

std::uintptr_t mixed_in = 0;

int twice(int number) { return 2 * number; }
int thrice(int number) { return 3 * number; }

using Pointer = FunctionPointer<int (*)(int)>;

// Whether it can be read from the memory that the pointer lies in.
[[nodiscard]] bool shows(const Pointer& pointer, int (*function)(int)) {
  return *reinterpret_cast<const std::uintptr_t*>(&pointer) ==
         reinterpret_cast<std::uintptr_t>(function);
}

struct FunctionPointers : testing::TestWithParam<std::uintptr_t> {
  FunctionPointers() { mixed_in = GetParam(); }
  ~FunctionPointers() override { mixed_in = 0; }
};

TEST_P(FunctionPointers, AreCalledAndCompared) {
  Pointer pointer;
  EXPECT_EQ(pointer, nullptr);
  pointer = twice;
  EXPECT_EQ(pointer, &twice);
  EXPECT_EQ(pointer(21), 42);
  pointer = [](int number) { return -number; };
  EXPECT_EQ(pointer(21), -21);
  pointer = nullptr;
  EXPECT_EQ(pointer, nullptr);
}

TEST_P(FunctionPointers, CopiesHoldTheSameInAnotherPlace) {
  const Pointer first = twice;
  Pointer second = first;
  EXPECT_EQ(second, &twice);
  second = thrice;
  second = first;
  EXPECT_EQ(second(4), 8);
  const Pointer none;
  second = none;
  EXPECT_EQ(second, nullptr);
}

TEST_P(FunctionPointers, ShowWhatTheyHoldOnlyWithoutAKey) {
  const Pointer pointer = twice;
  EXPECT_EQ(shows(pointer, twice), GetParam() == 0);
}

INSTANTIATE_TEST_SUITE_P(Keys, FunctionPointers, testing::Values(0, 0x9e3779b97f4a7c15));

}  // namespace

// In front of the weak one.
std::uintptr_t function_key(const void* place) noexcept {
  return mixed_in == 0 ? 0 : reinterpret_cast<std::uintptr_t>(place) * mixed_in;
}

}  // namespace luna
