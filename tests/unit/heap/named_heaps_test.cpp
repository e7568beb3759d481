// SPDX-License-Identifier: MIT
// Heaps that end while other threads free into them.
#include "heap/named_heaps.hpp"

#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace luna {
namespace {

[[nodiscard]] luna_heap_options named(const char* name) {
  luna_heap_options options{};
  options.struct_size = sizeof options;
  options.name = name;
  return options;
}

struct NamedHeapsTest : testing::Test {
  [[nodiscard]] NamedHeap& create(const luna_heap_options& options) {
    NamedHeap* heap = nullptr;
    EXPECT_EQ(heaps.create(options, heap), 0);
    return *heap;
  }
  [[nodiscard]] void* allocate(ThreadParts& parts, NamedHeap& heap, std::size_t bytes) {
    return heap.allocate(*heaps.part_of(parts, heap), bytes);
  }

  test::TestAllocator first;
  NamedHeaps heaps{first};
};

TEST_F(NamedHeapsTest, TheFirstAllocatorTellsThemApart) {
  NamedHeap& heap = create(named("one"));
  ThreadParts& parts = *heaps.attach();
  void* block = allocate(parts, heap, 100);
  void* run = allocate(parts, heap, 200'000);

  EXPECT_EQ(first.deallocate(nullptr, block), Verdict::kOther);
  EXPECT_EQ(first.deallocate(nullptr, run), Verdict::kOther);
  EXPECT_EQ(heaps.of(block), &heap);
  EXPECT_EQ(heaps.of(run), &heap);
  EXPECT_EQ(heaps.of(&heap), nullptr);
  heaps.deallocate(parts, block);
  heaps.deallocate(parts, run);
  EXPECT_EQ(heap.usage(parts.at(heap.number())).live_blocks, 0U);
  heaps.detach(parts);
}

TEST_F(NamedHeapsTest, ThePlaceOfAHeapServesTheNext) {
  NamedHeap& heap = create(named("one"));
  ThreadParts& parts = *heaps.attach();
  void* block = allocate(parts, heap, 100);
  ASSERT_EQ(heaps.destroy(heap), 0);
  heaps.deallocate(parts, block);  // too late, and ignored
  NamedHeap& next = create(named("two"));

  EXPECT_EQ(&next, &heap);
  EXPECT_STREQ(next.name(), "two");
  EXPECT_EQ(parts.at(next.number()), nullptr);
  EXPECT_NE(allocate(parts, next, 100), nullptr);
  EXPECT_EQ(next.usage(parts.at(next.number())).live_blocks, 1U);
  heaps.detach(parts);
}

TEST_F(NamedHeapsTest, AThreadThatEndsLeavesItsBlocks) {
  NamedHeap& heap = create(named("one"));
  ThreadParts& leaver = *heaps.attach();
  auto* block = static_cast<char*>(allocate(leaver, heap, 100));
  std::memset(block, 7, 100);
  heaps.detach(leaver);
  ThreadParts& next = *heaps.attach();

  EXPECT_EQ(&next, &leaver);
  EXPECT_EQ(next.at(heap.number()), nullptr);
  EXPECT_EQ(block[99], 7);
  heaps.deallocate(next, block);
  EXPECT_EQ(heap.usage(nullptr).live_blocks, 0U);
  heaps.detach(next);
}

TEST_F(NamedHeapsTest, SettingsOfTheFirstAreFollowed) {
  first.config().decay_ms = 77;
  NamedHeap& heap = create(named("one"));
  EXPECT_EQ(heap.allocator().config().decay_ms, 77U);
  first.config().decay_ms = 78;
  heaps.follow();
  EXPECT_EQ(heap.allocator().config().decay_ms, 78U);
}

// Each thread frees what others took of a heap, while one thread ends it and begins it anew.
TEST_F(NamedHeapsTest, EndsWhileOthersFree) {
  constexpr int kRounds = 40;
  constexpr std::size_t kThreads = 3;
  for (int round = 0; round < kRounds; ++round) {
    NamedHeap& heap = create(named("short"));
    std::array<std::vector<void*>, kThreads> taken;
    std::atomic<std::size_t> ready{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        ThreadParts& parts = *heaps.attach();
        for (std::size_t k = 0; k < 300; ++k)
          taken[i].push_back(allocate(parts, heap, k % 10 == 0 ? 20'000 : 64));
        ++ready;
        while (ready < kThreads) std::this_thread::yield();
        for (void* block : taken[(i + 1) % kThreads]) heaps.deallocate(parts, block);
        heaps.detach(parts);
      });
    }
    while (ready < kThreads) std::this_thread::yield();
    EXPECT_EQ(heaps.destroy(heap), 0);
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(heaps.count(), 0U);
}

}  // namespace
}  // namespace luna
