// SPDX-License-Identifier: MIT
// Each set of labels has one name, until the table is full.
#include "telemetry/label_table.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

[[nodiscard]] std::string text_of(const LabelTable& table, std::uint32_t set) {
  std::string text;
  table.at(set).for_each([&](const Label& label) {
    text.append(label.key).append("=").append(label.value).append(" ");
  });
  return text;
}

TEST(LabelTable, NoneAndLostHaveNoLabels) {
  const LabelTable table;

  EXPECT_TRUE(table.at(LabelTable::kNone).empty());
  EXPECT_TRUE(table.at(LabelTable::kLost).empty());
}

TEST(LabelTable, LabelsAreAddedReplacedAndRemoved) {
  LabelTable table;
  const std::uint32_t one = table.with(LabelTable::kNone, {"tenant", "blue"});
  const std::uint32_t two = table.with(one, {"kind", "read"});
  const std::uint32_t other = table.with(two, {"tenant", "red"});
  const std::uint32_t three = table.with(other, {"z", ""});

  EXPECT_EQ(text_of(table, one), "tenant=blue ");
  EXPECT_EQ(text_of(table, two), "kind=read tenant=blue ");
  EXPECT_EQ(text_of(table, other), "kind=read tenant=red ");
  EXPECT_EQ(text_of(table, three), "kind=read tenant=red z= ");
  EXPECT_EQ(table.without(three, "z"), other);
  EXPECT_EQ(table.without(two, "kind"), one);
  EXPECT_EQ(table.without(one, "tenant"), LabelTable::kNone);
  EXPECT_EQ(table.without(one, "kind"), one);
  EXPECT_EQ(table.count(), 4U);
}

TEST(LabelTable, OrderDoesNotMatter) {
  LabelTable table;
  const std::uint32_t one = table.with(table.with(0, {"a", "1"}), {"b", "2"});
  const std::uint32_t other = table.with(table.with(0, {"b", "2"}), {"a", "1"});

  EXPECT_EQ(one, other);
  EXPECT_TRUE(table.at(one).is_same(table.at(other)));
}

TEST(LabelTable, KeysAndValuesAreToldApart) {
  LabelTable table;
  const std::uint32_t one = table.with(0, {"ab", "c"});

  EXPECT_NE(table.with(0, {"a", "bc"}), one);
  EXPECT_NE(table.with(0, {"ab", ""}), one);
  EXPECT_NE(table.with(0, {"ab", std::string_view("c\0", 2)}), one);
}

TEST(LabelTable, TakesTheLongestAndOneMore) {
  LabelTable table;
  std::uint32_t set = 0;
  for (std::size_t i = 0; i <= kMostLabels; ++i) {
    const std::string key(kMostKeyBytes, static_cast<char>('a' + i));
    set = table.with(set, {key, std::string(kMostValueBytes, 'v')});
    EXPECT_EQ(table.at(set).count(), i + 1);
  }
}

// By their number, and by the bytes that they take.
TEST(LabelTable, WhatFindsNoRoomIsLost) {
  for (const std::size_t length : {std::size_t{0}, kMostValueBytes}) {
    LabelTable table;
    table.set_limit(4096);
    std::vector<std::uint32_t> sets;
    const auto value_of = [&](std::size_t i) {
      const std::string value = std::to_string(i);
      return length < value.size() ? value : value + std::string(length - value.size(), '.');
    };
    while (sets.empty() || sets.back() != LabelTable::kLost)
      sets.push_back(table.with(0, {"k", value_of(sets.size())}));
    sets.pop_back();

    EXPECT_GT(sets.size(), 20U);
    for (std::size_t i = 0; i < sets.size(); ++i)
      EXPECT_EQ(table.with(0, {"k", value_of(i)}), sets[i]);
    EXPECT_EQ(table.with(sets[0], {"k", value_of(sets.size())}), LabelTable::kLost);
    EXPECT_EQ(table.with(LabelTable::kLost, {"k", value_of(1)}), sets[1]);
    EXPECT_EQ(table.without(LabelTable::kLost, "k"), LabelTable::kLost);
  }
}

TEST(LabelTable, TooLittleMemoryLosesAll) {
  LabelTable table;
  table.set_limit(64);

  EXPECT_EQ(table.with(0, {"k", "v"}), LabelTable::kLost);
}

TEST(LabelTable, ThreadsAgree) {
  constexpr std::size_t kSets = 500;
  LabelTable table;
  std::vector<std::vector<std::uint32_t>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<std::uint32_t>& mine : found)
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < kSets; ++i) {
        mine.push_back(table.with(0, {"k", std::to_string(i)}));
        EXPECT_EQ(text_of(table, mine.back()), "k=" + std::to_string(i) + " ");
      }
    });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(table.count(), kSets);
  for (const std::vector<std::uint32_t>& mine : found) EXPECT_EQ(mine, found[0]);
}

}  // namespace
}  // namespace luna
