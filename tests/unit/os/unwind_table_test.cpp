// SPDX-License-Identifier: MIT
#include "os/unwind_table.hpp"

#include "base/align.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace luna {
namespace {

TEST(UnwindTable, EachLibraryHasItsOwn) {
  const auto here = address_of(reinterpret_cast<const void*>(&os::find_unwind_table));
  // A function that no sanitizer puts another in the place of.
  const auto libc = address_of(reinterpret_cast<const void*>(&std::lldiv));

  EXPECT_NE(os::find_unwind_table(here), nullptr);
  EXPECT_NE(os::find_unwind_table(libc), nullptr);
  EXPECT_NE(os::find_unwind_table(here), os::find_unwind_table(libc));
}

TEST(UnwindTable, DataHasNone) {
  const int variable = 0;

  EXPECT_EQ(os::find_unwind_table(address_of(&variable)), nullptr);
  EXPECT_EQ(os::find_unwind_table(0), nullptr);
}

}  // namespace
}  // namespace luna
