// SPDX-License-Identifier: MIT
#include "os/kernel_file.hpp"

#include "support/file_tree.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

namespace luna {
namespace {

using os::kUnknown;
using os::read_number;
using test::FileTree;

struct Number : FileTree {
  [[nodiscard]] std::uint64_t read(const std::string& text) const {
    write("/folder/number", text);
    return read_number({root(), "/folder", "number"});
  }
};

TEST(KernelFile, ANumberIsOneWholeLine) {
  const Number number;

  EXPECT_EQ(number.read("0\n"), 0U);
  EXPECT_EQ(number.read("4096\n"), 4096U);
  EXPECT_EQ(number.read("18446744073709551614\n"), UINT64_MAX - 1);
}

TEST(KernelFile, WhatIsNoNumberIsUnknown) {
  const Number number;

  for (const char* text : {"", "\n", "12", "max\n", "-1\n", "1 2\n", "0x10\n", "4096\n1\n", " 1\n",
                           "18446744073709551616\n", "99999999999999999999\n",
                           "00000000000000000000000000000000000001\n"})
    EXPECT_EQ(number.read(text), kUnknown) << text;
}

TEST(KernelFile, WhatIsNotThereIsUnknownAndLeavesErrnoAlone) {
  const FileTree tree;
  tree.write("/folder/file", "1\n");
  errno = 77;

  const std::uint64_t no_file = read_number({tree.root(), "/folder", "none"});
  const std::uint64_t a_folder = read_number({tree.root(), "/folder"});
  const std::uint64_t too_long = read_number({tree.root(), std::string(5000, 'a')});

  EXPECT_EQ(errno, 77);
  EXPECT_EQ(no_file, kUnknown);
  EXPECT_EQ(a_folder, kUnknown);
  EXPECT_EQ(too_long, kUnknown);
  EXPECT_TRUE(os::exists({tree.root(), "/folder"}));
  EXPECT_FALSE(os::exists({tree.root(), "/folder", "none"}));
}

TEST(KernelFile, ATextThatDoesNotFitIsNone) {
  const FileTree tree;
  tree.write("/text", "12345678");
  std::array<char, 16> buffer;

  EXPECT_EQ(os::read_text({tree.root(), "/text"}, buffer.data(), 9), "12345678");
  EXPECT_EQ(os::read_text({tree.root(), "/text"}, buffer.data(), 8), "");
}

// Each line with whether it was cut.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text) {
  const FileTree tree;
  tree.write("/lines", text);
  std::array<char, 8> buffer;
  os::LineReader lines({tree.root(), "/lines"}, buffer.data(), buffer.size());
  std::vector<std::string> result;
  for (std::string_view line; lines.next(line);)
    result.push_back(std::string(line) + (lines.is_cut() ? "+" : ""));
  return result;
}

TEST(KernelFile, LinesThatAreTooLongAreCutOnce) {
  using Lines = std::vector<std::string>;

  EXPECT_EQ(lines_of("one\ntwo\n"), (Lines{"one", "two"}));
  EXPECT_EQ(lines_of("1234567\n12345678\nthree\n"), (Lines{"1234567", "12345678+", "three"}));
  EXPECT_EQ(lines_of("a line of several buffers\nnext\n"), (Lines{"a line o+", "next"}));
  EXPECT_EQ(lines_of("one\nwithout"), (Lines{"one"}));
  EXPECT_EQ(lines_of(""), Lines{});
}

TEST(KernelFile, NamedNumbersAreReadByTheirWholeName) {
  const FileTree tree;
  tree.write("/stat", "file 1\ninactive_file 2\nfile_mapped 3\nfile_dirty x\nlong" +
                          std::string(505, ' ') + "123456\nMem:   4 kB\ntab:\t5\nlast 6");
  std::uint64_t file = 0;
  std::uint64_t dirty = 0;
  std::uint64_t absent = 0;
  std::uint64_t cut = 0;
  std::uint64_t memory = 0;
  std::uint64_t tab = 0;
  std::uint64_t last = 0;
  const std::array<os::NamedNumber, 7> numbers = {{{"file", &file},
                                                   {"file_dirty", &dirty},
                                                   {"absent", &absent},
                                                   {"long", &cut},
                                                   {"Mem:", &memory},
                                                   {"tab:", &tab},
                                                   {"last", &last}}};

  os::read_named({tree.root(), "/stat"}, numbers);

  EXPECT_EQ(file, 1U);
  EXPECT_EQ(dirty, kUnknown);
  EXPECT_EQ(absent, kUnknown);
  EXPECT_EQ(cut, kUnknown);
  EXPECT_EQ(memory, 4096U);
  EXPECT_EQ(tab, 5U);
  EXPECT_EQ(last, kUnknown);
}

TEST(KernelFile, PartsAreTakenUpToTheSeparator) {
  std::string_view text = "a,,b";

  EXPECT_EQ(os::take_part(text, ','), "a");
  EXPECT_EQ(os::take_part(text, ','), "");
  EXPECT_EQ(os::take_part(text, ','), "b");
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace luna
