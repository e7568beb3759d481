// SPDX-License-Identifier: MIT
// The lines that a program's mistakes and our own bugs end with.
#include "base/report.hpp"

#include "base/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace luna {
namespace {

const void* const kPointer = reinterpret_cast<const void*>(0x1230);

TEST(ReportDeathTest, NamesADoubleFree) {
  EXPECT_DEATH(report::double_free(kPointer), "^lunalloc: double free of 0x1230: .*exactly once\n");
}

TEST(ReportDeathTest, NamesAMisalignedPointer) {
  EXPECT_DEATH(report::misaligned_pointer(kPointer),
               "^lunalloc: free of misaligned pointer 0x1230: .*multiple of 16");
}

TEST(ReportDeathTest, NamesAnInteriorPointerAndItsOffset) {
  EXPECT_DEATH(report::interior_pointer(kPointer, 48),
               "^lunalloc: free of interior pointer 0x1230: it lies 48 bytes behind the start");
}

TEST(ReportDeathTest, NamesAnUnknownPointer) {
  EXPECT_DEATH(report::unknown_pointer(kPointer), "^lunalloc: free of unknown pointer 0x1230: ");
}

TEST(ReportDeathTest, NamesBothSizesOfADelete) {
  testing::internal::CaptureStderr();
  report::delete_of_other_size(kPointer, 2000, 48);

  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::ContainsRegex(
                  "^lunalloc: delete of another size of 0x1230: .*told 2000 bytes .* for 48; "));
}

TEST(ReportDeathTest, NamesAReallocOfAFreedBlock) {
  EXPECT_DEATH(report::realloc_of_freed(kPointer), "^lunalloc: realloc of a freed block 0x1230: ");
}

TEST(ReportDeathTest, NamesTheSlabOfACorruptFreeList) {
  EXPECT_DEATH(report::corrupt_free_list(reinterpret_cast<const void*>(0x10000), kPointer),
               "^lunalloc: double free or corruption at 0x1230: .*slab at 0x10000: ");
}

TEST(CheckDeathTest, SaysWhatDoesNotHoldAndWhere) {
  EXPECT_DEATH(LUNA_CHECK(1 + 1 == 3),
               "lunalloc: internal error: 1 \\+ 1 == 3 does not hold at "
               ".*report_test.cpp:[0-9]+; please report this\n");
}

TEST(Check, LetsPassWhatHolds) {
  int calls = 0;
  LUNA_CHECK(++calls == 1);

  EXPECT_EQ(calls, 1);
}

TEST(WriteError, LeavesErrnoAlone) {
  errno = EXDEV;

  write_error("");

  EXPECT_EQ(errno, EXDEV);
}

}  // namespace
}  // namespace luna
