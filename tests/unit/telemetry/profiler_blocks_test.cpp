// SPDX-License-Identifier: MIT
// What the profiler knows of single blocks, in use and freed.
#include "os/environment.hpp"
#include "support/profiled.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace luna {
namespace {

using test::Profiled;

[[nodiscard]] const std::byte* behind(const void* block, std::size_t bytes) {
  return static_cast<const std::byte*>(block) + bytes;
}

TEST(ProfilerBlocks, ALiveSampleIsKnownByEachOfItsBytes) {
  Profiled fixture;
  void* block = fixture.thread.allocate(100);
  BlockStory story;

  EXPECT_EQ(fixture.profiler.find_block(behind(block, 99), story), Known::kYes);

  EXPECT_EQ(story.address, reinterpret_cast<std::uintptr_t>(block));
  EXPECT_EQ(story.bytes, 100U);
  EXPECT_FALSE(story.is_freed);
  EXPECT_NE(story.allocated.depth, 0U);
  EXPECT_EQ(story.allocated_thread, os::thread_id());
  fixture.thread.deallocate(block);
}

TEST(ProfilerBlocks, AFreedSampleIsKnownWithWhoFreedIt) {
  Profiled fixture;
  void* block = fixture.thread.allocate(100'000);
  fixture.thread.deallocate(block);
  BlockStory story;

  EXPECT_EQ(fixture.profiler.find_block(behind(block, 4096), story), Known::kYes);

  EXPECT_TRUE(story.is_freed);
  EXPECT_EQ(story.bytes, 100'000U);
  EXPECT_NE(story.allocated.depth, 0U);
  EXPECT_NE(story.freed.depth, 0U);
  EXPECT_EQ(story.freed_thread, os::thread_id());
}

TEST(ProfilerBlocks, ABlockInUseHidesWhatLayThereBefore) {
  Profiled fixture;
  void* block = fixture.thread.allocate(100);
  fixture.thread.deallocate(block);
  void* again = fixture.thread.allocate(98);
  ASSERT_EQ(again, block);
  BlockStory story;

  EXPECT_EQ(fixture.profiler.find_block(again, story), Known::kYes);

  EXPECT_FALSE(story.is_freed);
  EXPECT_EQ(story.bytes, 98U);
  fixture.thread.deallocate(again);
}

TEST(ProfilerBlocks, OfManyFreedTheLastOnesAreKnown) {
  Profiled fixture;
  std::vector<void*> blocks = fixture.allocate_many(FreedBlocks::kCount + 1, 48);
  const void* first = blocks.front();
  const void* second = blocks[1];
  fixture.free_all(blocks);
  BlockStory story;

  EXPECT_EQ(fixture.profiler.find_block(first, story), Known::kNo);
  EXPECT_EQ(fixture.profiler.find_block(second, story), Known::kYes);
}

TEST(ProfilerBlocks, OtherMemoryIsNotKnown) {
  Profiled fixture;
  const int local = 0;
  BlockStory story;

  EXPECT_EQ(fixture.profiler.find_block(&local, story), Known::kNo);
  EXPECT_EQ(fixture.profiler.find_block(nullptr, story), Known::kNo);
}

TEST(ProfilerBlocks, NobodyWaitsForTheLock) {
  Profiled fixture;
  void* block = fixture.thread.allocate(100);
  BlockStory story;
  fixture.profiler.prepare_fork();  // holds it

  EXPECT_EQ(fixture.profiler.find_block(block, story), Known::kBusy);

  fixture.profiler.resume_parent();
  EXPECT_EQ(fixture.profiler.find_block(block, story), Known::kYes);
  fixture.thread.deallocate(block);
}

TEST(ProfilerBlocks, FreesAreKeptWithoutStacksOnceSamplingHasEnded) {
  Profiled fixture;
  void* block = fixture.thread.allocate(100);
  fixture.profiler.stop();
  fixture.thread.deallocate(block);
  BlockStory story;

  EXPECT_EQ(fixture.profiler.find_block(block, story), Known::kYes);
  EXPECT_TRUE(story.is_freed);
  EXPECT_EQ(story.freed.depth, 0U);
}

}  // namespace
}  // namespace luna
