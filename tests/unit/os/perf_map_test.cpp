// SPDX-License-Identifier: MIT
#include "os/perf_map.hpp"

#include "support/perf_map.hpp"
#include "support/temporary_name.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

namespace luna::os {
namespace {

// Names with where they begin and how long they are, one behind another.
std::string read_all(std::size_t capacity = 256) {
  std::vector<char> buffer(capacity);
  PerfMapReader reader(buffer.data(), buffer.size());
  std::string all;
  for (PerfMapLine line; reader.next(line);) {
    all += std::string(line.name) + "=" + std::to_string(line.begin) + "," +
           std::to_string(line.bytes) + ";";
  }
  return all;
}

TEST(PerfMap, LinesHaveTwoNumbersAndAName) {
  PerfMapLine line;
  ASSERT_TRUE(parse_perf_map_line("7f0000001000 2a0 LazyCompile:*f /a b.js:1", line));
  EXPECT_EQ(line.begin, 0x7f0000001000U);
  EXPECT_EQ(line.bytes, 0x2a0U);
  EXPECT_EQ(line.name, "LazyCompile:*f /a b.js:1");
  ASSERT_TRUE(parse_perf_map_line("0x7F0 0x1 x", line));
  EXPECT_EQ(line.begin, 0x7f0U);
}

TEST(PerfMap, OtherLinesAreNone) {
  PerfMapLine line;
  for (const char* text :
       {"", " ", "7f", "7f ", "7f 10", "7f 10 ", "7f  10 f", "7g 10 f", "x 7f 10", "7f 0 empty",
        "7f 0x f", "7f 10f", "-7f 10 f", "7f 00000000000000010 f", "10000000000000000 10 f",
        "ffffffffffffffff 2 f"})
    EXPECT_FALSE(parse_perf_map_line(text, line)) << text;
}

TEST(PerfMap, ReaderSkipsWhatIsNone) {
  const test::PerfMap map("10 8 first\nnonsense\n\n20 8 a name\n30 8 not finished");

  EXPECT_EQ(read_all(), "first=16,8;a name=32,8;");
}

TEST(PerfMap, LongLinesAreCut) {
  const std::string name(1000, 'n');
  const test::PerfMap map("10 8 " + name + "\n20 8 next\n");

  EXPECT_EQ(read_all(128), name.substr(0, 123) + "=16,8;next=32,8;");
  EXPECT_EQ(read_all(129), name.substr(0, 124) + "=16,8;next=32,8;");
}

TEST(PerfMap, ZerosAndBytesOfAnyKindDoNoHarm) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * 7919 % 256);
  const test::PerfMap map(text + "\n20 8 last\n");

  EXPECT_TRUE(read_all(128).ends_with("last=32,8;"));
}

TEST(PerfMap, NoFileHasNoLines) {
  const std::string path = test::PerfMap("").path;  // and it is gone

  EXPECT_EQ(access(path.c_str(), F_OK), -1);
  EXPECT_EQ(read_all(), "");
}

TEST(PerfMap, LinksAndPipesAreNotRead) {
  std::string target = test::temporary_name("perf_map");
  const int file = mkstemp(target.data());
  ASSERT_GE(file, 0);
  ASSERT_EQ(write(file, "10 8 f\n", 7), 7);
  close(file);
  const std::string path = test::PerfMap("").path;
  ASSERT_EQ(symlink(target.c_str(), path.c_str()), 0);
  EXPECT_EQ(read_all(), "");
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read_all(), "");  // and does not wait for a writer
  unlink(path.c_str());
  unlink(target.c_str());
}

TEST(PerfMap, FilesOfOthersAreNotRead) {
  if (geteuid() != 0) GTEST_SKIP() << "skip: only root can give a file to others";
  const test::PerfMap map("10 8 f\n");
  EXPECT_EQ(read_all(), "f=16,8;");
  ASSERT_EQ(chown(map.path.c_str(), 65534, 65534), 0);

  EXPECT_EQ(read_all(), "");
}

TEST(PerfMap, OfALongFileTheEndIsRead) {
  const test::PerfMap map("10 8 first\n");
  const int file = open(map.path.c_str(), O_WRONLY);
  ASSERT_GE(file, 0);
  const std::string end = "\n20 8 last\n";
  const auto place = static_cast<off_t>(PerfMapReader::kMostBytes);
  ASSERT_EQ(pwrite(file, end.data(), end.size(), place), static_cast<ssize_t>(end.size()));
  close(file);

  EXPECT_EQ(read_all(std::size_t{1} << 16), "last=32,8;");
}

}  // namespace
}  // namespace luna::os
