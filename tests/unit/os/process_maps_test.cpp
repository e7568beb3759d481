// SPDX-License-Identifier: MIT
#include "os/process_maps.hpp"

#include "base/align.hpp"
#include "os/memory.hpp"
#include "support/sample_profile.hpp"
#include "support/temporary_name.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace luna {
namespace {

TEST(ProcessMaps, LineIsTakenApart) {
  const os::MapsLine line = os::parse_maps_line(
      "7f1c0a000000-7f1c0a021000 r-xp 0001f000 fd:01 1048602                    /usr/a b");

  EXPECT_EQ(line.begin, 0x7f1c0a000000U);
  EXPECT_EQ(line.end, 0x7f1c0a021000U);
  EXPECT_EQ(line.permissions, "r-xp");
  EXPECT_EQ(line.offset, 0x1f000U);
  EXPECT_EQ(line.device, 0xfd00000001U);
  EXPECT_EQ(line.inode, 1048602U);
  EXPECT_EQ(line.name, "/usr/a b");
}

TEST(ProcessMaps, NameMayBeMissing) {
  const os::MapsLine line = os::parse_maps_line("1000-2000 rw-p 00000000 00:00 0 ");

  EXPECT_EQ(line.begin, 0x1000U);
  EXPECT_EQ(line.device, 0U);
  EXPECT_EQ(line.name, "");
}

TEST(ProcessMaps, HalfALineIsRead) {
  EXPECT_EQ(os::parse_maps_line("").end, 0U);
  EXPECT_EQ(os::parse_maps_line("1000-2000").end, 0x2000U);
  EXPECT_EQ(os::parse_maps_line("1000-2000 r").permissions, "r");
  EXPECT_EQ(os::parse_maps_line("1000-2000 r-xp 00").name, "");
}

// A mapped file with a name of `length` letters, in a folder of its own.
struct MappedFile {
  explicit MappedFile(std::size_t length) {
    folder = test::temporary_name("maps");
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    path = folder + "/" + std::string(length, 'x');
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || ::ftruncate(file, 1) != 0) return;
    memory = ::mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, file, 0);
    ::close(file);
  }
  ~MappedFile() {
    if (memory != MAP_FAILED) ::munmap(memory, 1);
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
  }

  std::string folder;
  std::string path;
  void* memory = MAP_FAILED;
};

// The lines seen through a buffer of this size.
std::vector<os::MapsLine> lines(std::size_t capacity, std::vector<std::string>& names) {
  std::vector<char> buffer(capacity);
  names.reserve(10'000);
  std::vector<os::MapsLine> found;
  found.reserve(10'000);
  os::MapsReader reader(buffer.data(), buffer.size());
  for (os::MapsLine line; reader.next(line);) {
    found.push_back(line);
    names.emplace_back(line.name);
  }
  return found;
}

TEST(ProcessMaps, LineLongerThanTheBufferIsCutAndTheNextOnesAreWhole) {
  MappedFile file(250);
  ASSERT_NE(file.memory, MAP_FAILED);
  std::vector<std::string> names;
  std::vector<std::string> whole_names;
  const auto whole = lines(65536, whole_names);

  // The first cuts the line once, the second has parts without an end to skip.
  for (const std::size_t capacity : {200U, 128U}) {
    const auto cut = lines(capacity, names);
    ASSERT_FALSE(cut.empty());
    bool found = false;
    for (std::size_t i = 0; i < cut.size(); ++i) {
      ASSERT_LT(cut[i].begin, cut[i].end);
      ASSERT_GE(cut[i].begin, i == 0 ? 0 : cut[i - 1].end);
      if (cut[i].begin != address_of(file.memory)) continue;
      found = true;
      EXPECT_TRUE(file.path.starts_with(names[i])) << names[i];
      EXPECT_LT(names[i].size(), file.path.size());
    }
    EXPECT_TRUE(found);
    EXPECT_EQ(names.back(), whole_names.back());
    names.clear();
  }
}

TEST(ProcessMaps, TextIsWrittenAsTheKernelGivesIt) {
  MappedFile file(20);
  test::StringOutput string;

  EXPECT_TRUE(os::write_maps(string.out));

  EXPECT_NE(string.text.find(file.path + "\n"), std::string::npos);
  EXPECT_TRUE(string.text.ends_with('\n'));
}

TEST(ProcessMaps, OutputThatFailsIsReported) {
  test::FullOutput full{100};

  EXPECT_FALSE(os::write_maps(full.out));
}

}  // namespace
}  // namespace luna
