// SPDX-License-Identifier: MIT
#include "os/mappings.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>

namespace luna {
namespace {

// An emulator may not, for either name.
bool kernel_names(std::string_view name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.ends_with(name)) return true;
  return false;
}

TEST(Mappings, PrivateMemoryIsKnownByBothEnds) {
  const std::size_t bytes = 4 * os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::map(bytes));
  ASSERT_NE(memory, nullptr);

  EXPECT_TRUE(os::find_mapping(memory).is_private_memory);
  EXPECT_TRUE(os::find_mapping(memory + bytes - 1).is_private_memory);
  EXPECT_LE(os::find_mapping(memory).begin, address_of(memory));
  EXPECT_GE(os::find_mapping(memory).end, address_of(memory) + bytes);
  os::release(memory, bytes);
}

TEST(Mappings, StackIsNoPrivateMemory) {
  if (!kernel_names("[stack]")) GTEST_SKIP() << "/proc/self/maps shows no [stack] here";
  // Not a variable's address: AddressSanitizer keeps those elsewhere.
  const void* on_the_stack = __builtin_frame_address(0);

  EXPECT_NE(os::find_mapping(on_the_stack).end, 0U);
  EXPECT_FALSE(os::find_mapping(on_the_stack).is_private_memory);
}

TEST(Mappings, CodeIsNoPrivateMemory) {
  const auto mapping = os::find_mapping(reinterpret_cast<const void*>(&os::find_mapping));

  EXPECT_NE(mapping.end, 0U);
  EXPECT_FALSE(mapping.is_private_memory);
}

TEST(Mappings, BreakHeapIsKnown) {
  void* begin = ::sbrk(4096);
  if (begin == reinterpret_cast<void*>(-1)) GTEST_SKIP() << "no break heap here";
  if (!kernel_names("[heap]")) GTEST_SKIP() << "/proc/self/maps shows no [heap] here";

  EXPECT_TRUE(os::find_mapping(begin).is_brk_heap);
}

TEST(Mappings, WhereNothingIsNothingIsFound) {
  EXPECT_EQ(os::find_mapping(nullptr).end, 0U);
  EXPECT_EQ(os::find_mapping(reinterpret_cast<const void*>(~std::uintptr_t{0})).end, 0U);
}

TEST(Mappings, ReleasedMemoryIsFoundNoMore) {
  // Guards on both sides keep others from coming to lie at the same place.
  const std::size_t page = os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::reserve(3 * page));
  ASSERT_NE(memory, nullptr);
  os::release(memory + page, page);

  EXPECT_EQ(os::find_mapping(memory + page).end, 0U);
  os::release(memory, page);
  os::release(memory + 2 * page, page);
}

}  // namespace
}  // namespace luna
