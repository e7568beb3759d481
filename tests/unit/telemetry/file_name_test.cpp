// SPDX-License-Identifier: MIT
#include "telemetry/file_name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

constexpr FileNameParts kParts = {4711, "host1", "program", 1'700'000'000, 12};

// The name, or what is wrong: one of them is empty.
std::string expanded(std::string_view pattern, const FileNameParts& parts = kParts) {
  std::array<char, 64> buffer;
  const FileName result = expand_file_name(pattern, parts, buffer.data(), buffer.size());
  EXPECT_NE(result.name.empty(), result.error.empty());
  return std::string(result.error.empty() ? result.name : result.error);
}

TEST(FileName, AllPartsAreKnown) {
  EXPECT_EQ(expanded("/var/%h/%e.%p.%t.%n.heap"), "/var/host1/program.4711.1700000000.0012.heap");
}

TEST(FileName, TextWithoutPartsStaysAsItIs) { EXPECT_EQ(expanded("a b.heap"), "a b.heap"); }

TEST(FileName, PercentSignIsWrittenTwice) { EXPECT_EQ(expanded("100%%%p%%"), "100%4711%"); }

TEST(FileName, SequenceHasFourDigitsOrMore) {
  FileNameParts parts = kParts;
  for (const auto& [sequence, text] :
       {std::pair{0U, "0000"}, {9U, "0009"}, {100U, "0100"}, {9999U, "9999"}, {10000U, "10000"}}) {
    parts.sequence = sequence;
    EXPECT_EQ(expanded("%n", parts), text);
  }
}

TEST(FileName, PartsNameNoFolders) {
  FileNameParts parts = kParts;
  parts.program = "../a/b";

  EXPECT_EQ(expanded("/x/%e", parts), "/x/.._a_b");
}

TEST(FileName, UnknownSequenceIsAnError) {
  EXPECT_EQ(expanded("a%qb"), "after % it has what is none of p, h, e, t, n and %");
  EXPECT_EQ(expanded("a%"), "it ends with a single %; write %% for a percent sign");
}

TEST(FileName, LongNameIsAnError) {
  EXPECT_EQ(expanded(std::string(63, 'x')), std::string(63, 'x'));
  EXPECT_EQ(expanded(std::string(64, 'x')), "the name is too long");
  EXPECT_EQ(expanded(std::string(60, 'x') + "%p"), "the name is too long");
}

TEST(FileName, EmptyNameIsAnError) {
  EXPECT_EQ(expanded(""), "the name is empty");
  FileNameParts parts = kParts;
  parts.host = "";
  EXPECT_EQ(expanded("%h", parts), "the name is empty");
}

}  // namespace
}  // namespace luna
