// SPDX-License-Identifier: MIT
#include "telemetry/runtime_frame_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

TEST(RuntimeFrameTable, SameNameHasTheSameNumber) {
  RuntimeFrameTable table;
  const std::uintptr_t first = table.find_or_add({"f", "a.py", 3});
  ASSERT_NE(first, 0U);

  EXPECT_EQ(table.find_or_add({std::string("f"), std::string("a.py"), 3}), first);
  EXPECT_EQ(table.count(), 1U);
}

TEST(RuntimeFrameTable, EachPartTellsNamesApart) {
  RuntimeFrameTable table;
  std::set<std::uintptr_t> numbers;
  for (const RuntimeFrame& name :
       {RuntimeFrame{"f", "a.py", 3}, RuntimeFrame{"g", "a.py", 3}, RuntimeFrame{"f", "b.py", 3},
        RuntimeFrame{"f", "a.py", 4}, RuntimeFrame{"f", "", 3}, RuntimeFrame{"fa", ".py", 3}})
    numbers.insert(table.find_or_add(name));

  EXPECT_EQ(numbers.size(), 6U);
  EXPECT_EQ(numbers.count(0), 0U);
}

TEST(RuntimeFrameTable, NumbersLeadToTheirNames) {
  RuntimeFrameTable table;
  const std::uintptr_t one = table.find_or_add({"f", "a.py", 3});
  const std::uintptr_t other = table.find_or_add({"g", "", 0});

  ASSERT_TRUE(is_runtime_frame(one));
  EXPECT_EQ(runtime_frame(one).function, "f");
  EXPECT_EQ(runtime_frame(one).file, "a.py");
  EXPECT_EQ(runtime_frame(one).line, 3U);
  EXPECT_EQ(runtime_frame(other).function, "g");
  EXPECT_EQ(runtime_frame(other).file, "");
  EXPECT_FALSE(is_runtime_frame(reinterpret_cast<std::uintptr_t>(&table)));
  EXPECT_FALSE(is_runtime_frame(0xffffffffff600000));
}

TEST(RuntimeFrameTable, HoldsNothingButWhatItGave) {
  RuntimeFrameTable table;
  EXPECT_FALSE(table.holds(std::uintptr_t{0x80} << 56));
  const std::uintptr_t frame = table.find_or_add({"f", "", 0});

  EXPECT_TRUE(table.holds(frame));
  for (const std::uintptr_t other :
       {std::uintptr_t{0}, std::uintptr_t{1}, UINTPTR_MAX, frame + 1, frame + 8,
        frame + sizeof(RuntimeFrame), frame - sizeof(RuntimeFrame),
        frame ^ std::uintptr_t{0x80} << 56})
    EXPECT_FALSE(table.holds(other)) << other;
}

TEST(RuntimeFrameTable, LongTextsAreCut) {
  RuntimeFrameTable table;
  const std::string text(1000, 't');
  const std::uintptr_t frame = table.find_or_add({text, text, 1});

  EXPECT_EQ(runtime_frame(frame).function, text.substr(0, RuntimeFrameTable::kMostFunctionBytes));
  EXPECT_EQ(runtime_frame(frame).file, text.substr(0, RuntimeFrameTable::kMostFileBytes));
  EXPECT_EQ(table.find_or_add({text + "more", text, 1}), frame);
}

TEST(RuntimeFrameTable, WhatFindsNoRoomIsCounted) {
  for (const std::size_t limit : {4096U, 1U << 16, 1U << 19}) {
    RuntimeFrameTable table;
    table.set_limit(limit);
    std::uint32_t names = 0;
    while (table.find_or_add({"function", "some/file.py", names}) != 0) ++names;
    EXPECT_EQ(table.count(), names);
    EXPECT_GT(names, limit / 128);
    EXPECT_LT(names, limit / 32);
    EXPECT_EQ(table.refused(), 1U);
    EXPECT_NE(table.find_or_add({"function", "some/file.py", 0}), 0U);
    EXPECT_EQ(table.find_or_add({"function", "some/file.py", names}), 0U);
    EXPECT_EQ(table.refused(), 2U);
  }
}

TEST(RuntimeFrameTable, TooLittleMemoryHoldsNothing) {
  RuntimeFrameTable table;
  table.set_limit(100);

  EXPECT_EQ(table.find_or_add({"f", "", 0}), 0U);
  EXPECT_EQ(table.refused(), 1U);
}

TEST(RuntimeFrameTable, ThreadsAgree) {
  constexpr std::uint32_t kNames = 2000;
  const auto table = std::make_unique<RuntimeFrameTable>();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&table, &wrong, thread] {
      for (std::uint32_t i = 0; i < kNames; ++i) {
        const std::uint32_t line = (i + thread * 500) % kNames + 1;
        const std::uintptr_t frame = table->find_or_add({"f", "a.py", line});
        if (!table->holds(frame) || runtime_frame(frame).line != line) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(table->count(), kNames);
}

}  // namespace
}  // namespace luna
