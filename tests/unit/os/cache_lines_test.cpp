// SPDX-License-Identifier: MIT
// Whether a line was written back shows in time alone, so these tests look at what must not
// change, and at which lines are touched at all.
#include "os/cache_lines.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/temporary_name.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kBytes = 1024;

std::vector<unsigned char> pattern() {
  std::vector<unsigned char> bytes(kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<unsigned char>(i * 7 + 1);
  return bytes;
}

class CacheLines : public testing::Test {
 protected:
  os::CacheLines lines_;
};

TEST_F(CacheLines, LineIsAPowerOfTwoThatStaysTheSame) {
  const std::size_t first = lines_.line_bytes();

  EXPECT_TRUE(is_power_of_two(first));
  EXPECT_GE(first, 16U);
  EXPECT_LE(first, 2048U);
  EXPECT_EQ(lines_.line_bytes(), first);
#if defined(__x86_64__)
  EXPECT_EQ(first, 64U);  // of every such processor so far
#endif
}

TEST_F(CacheLines, ContentsStayWhateverTheRange) {
  const std::vector<unsigned char> expected = pattern();
  std::vector<unsigned char> bytes = expected;

  for (std::size_t begin = 0; begin < 130; begin += 3) {
    for (std::size_t size = 0; begin + size <= kBytes; size += 61) {
      lines_.write_back(bytes.data() + begin, size);
      lines_.flush(bytes.data() + begin, size);
    }
  }

  EXPECT_EQ(bytes, expected);
}

// As on processors that lack some of the instructions, or all that are newer.
TEST(CacheLineFunctions, ContentsStayWithFewerFeatures) {
  const os::CacheTraits all = os::find_cache_traits();
  const std::vector<unsigned char> expected = pattern();
  std::vector<unsigned char> bytes = expected;
  const os::LineRange range = {round_down(address_of(bytes.data()), all.line_bytes),
                               address_of(bytes.data() + kBytes)};

  for (unsigned features = 0; features <= all.features; ++features) {
    if ((features & ~unsigned{all.features}) != 0) continue;
    const os::CacheTraits traits = {all.line_bytes, static_cast<std::uint16_t>(features)};
    os::write_back_lines(range, traits);
    os::flush_lines(range, traits);
  }

  EXPECT_EQ(bytes, expected);
}

// The pages on both sides cannot be touched: a line too many would be a signal.
TEST_F(CacheLines, NoLineOutsideIsTouched) {
  const std::size_t page = os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::reserve(3 * page));
  ASSERT_NE(memory, nullptr);
  std::byte* middle = memory + page;
  ASSERT_TRUE(os::commit(middle, page));
  std::memset(middle, 1, page);

  lines_.flush(middle, page);
  lines_.write_back(middle, page);
  lines_.flush(middle + page - 1, 1);
  lines_.flush(memory + 5, 0);
  lines_.write_back(middle + page + 5, 0);

  EXPECT_EQ(middle[page - 1], std::byte{1});
  os::release(memory, 3 * page);
}

#if defined(__x86_64__)  // the emulator of the other takes the instructions for nothing at all
using CacheLinesDeathTest = CacheLines;

// Every line of the range is touched, the first and the last too: each lies in a page of its own.
TEST_F(CacheLinesDeathTest, EveryLineOfTheRangeIsTouched) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const std::size_t page = os::page_bytes();
  auto* memory = static_cast<std::byte*>(os::reserve(3 * page));
  ASSERT_NE(memory, nullptr);
  std::byte* middle = memory + page;
  ASSERT_TRUE(os::commit(middle, page));

  EXPECT_DEATH(lines_.flush(middle - 1, 2), "");
  EXPECT_DEATH(lines_.flush(middle + page - 1, 2), "");
  EXPECT_DEATH(lines_.write_back(middle - 1, page + 1), "");
  EXPECT_DEATH(lines_.write_back(middle + 1, page), "");
  os::release(memory, 3 * page);
}
#endif

TEST_F(CacheLines, ReadOnlyMemoryCanBeFlushed) {
  static const std::array<char, 300> text = {"read only"};

  lines_.write_back(text.data(), text.size());
  lines_.flush(text.data(), text.size());

  EXPECT_STREQ(text.data(), "read only");
}

TEST_F(CacheLines, AFileThatIsSharedHoldsWhatWasWritten) {
  std::string name = test::temporary_name("cache_lines");
  const int file = ::mkstemp(name.data());
  ASSERT_GE(file, 0);
  ASSERT_EQ(::ftruncate(file, kBytes), 0);
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const std::vector<unsigned char> expected = pattern();

  std::memcpy(memory, expected.data(), kBytes);
  lines_.flush(memory, kBytes);
  EXPECT_EQ(::msync(memory, kBytes, MS_SYNC), 0);

  std::vector<unsigned char> read(kBytes);
  EXPECT_EQ(::pread(file, read.data(), kBytes, 0), static_cast<ssize_t>(kBytes));
  EXPECT_EQ(read, expected);
  ::munmap(memory, kBytes);
  ::close(file);
  ::unlink(name.c_str());
}

}  // namespace
}  // namespace luna
