// SPDX-License-Identifier: MIT
#include "os/smaps.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace luna {
namespace {

constexpr std::size_t kPages = 300;

// Memory whose mapping cannot become one with others.
struct Alone {
  Alone() : bytes(kPages * os::page_bytes()), whole(os::reserve(bytes + 2 * os::page_bytes())) {
    memory = static_cast<std::byte*>(whole) + os::page_bytes();
    EXPECT_TRUE(os::commit(memory, bytes));
    os::forbid_huge_pages(memory, bytes);
  }
  ~Alone() { os::release(whole, bytes + 2 * os::page_bytes()); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

  std::size_t bytes;
  void* whole;
  std::byte* memory;
};

TEST(Smaps, SaysHowMuchOfAMappingIsInMemory) {
  Alone alone;
  std::memset(alone.memory, 1, 100 * os::page_bytes());

  auto reader = std::make_unique<os::SmapsReader>();
  os::SmapsMapping mapping;
  bool found = false;
  while (reader->next(mapping)) {
    if (mapping.begin != address_of(alone.memory)) continue;
    found = true;
    EXPECT_EQ(mapping.end, address_of(alone.memory) + alone.bytes);
    EXPECT_EQ(mapping.resident_bytes, 100 * os::page_bytes());
    EXPECT_EQ(mapping.huge_page_bytes, 0U);
    EXPECT_TRUE(mapping.name.empty());
  }
  EXPECT_TRUE(found);
}

TEST(Smaps, HasTheNamesOfFilesAndOfTheStack) {
  auto reader = std::make_unique<os::SmapsReader>();
  os::SmapsMapping mapping;
  bool program = false;
  bool stack = false;
  while (reader->next(mapping)) {
    program = program || mapping.name.ends_with("os_smaps_test");
    stack = stack || (mapping.name == "[stack]" && mapping.resident_bytes > 0);
  }
  EXPECT_TRUE(program);
  EXPECT_TRUE(stack);
}

TEST(PageFaults, AreCounted) {
  os::PageFaults before;
  ASSERT_TRUE(os::count_page_faults(before));
  Alone alone;
  for (std::size_t i = 0; i < alone.bytes; i += os::page_bytes()) alone.memory[i] = std::byte{1};

  os::PageFaults after;
  ASSERT_TRUE(os::count_page_faults(after));
  EXPECT_GE(after.minor - before.minor, kPages);
  EXPECT_GE(after.major, before.major);
}

}  // namespace
}  // namespace luna
