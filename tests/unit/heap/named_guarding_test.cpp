// SPDX-License-Identifier: MIT
// Blocks of named heaps in guarded slots, which threads take and free while heaps end.
#include "heap/named_heaps.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

struct NamedGuardingTest : testing::Test {
  static constexpr std::size_t kSlots = 32;

  NamedGuardingTest() {
    const GuardObserver observer = {
        this,
        [](void*, std::uintptr_t*, std::size_t) noexcept { return std::size_t{0}; },
        [](void* self, const GuardMistake& mistake) noexcept {
          auto& test = *static_cast<NamedGuardingTest*>(self);
          test.told.push_back(mistake.kind);
          test.heap_told = mistake.block->heap_name.data();
        },
    };
    EXPECT_TRUE(first.guarded().begin(kSlots, 0, observer));
  }
  ~NamedGuardingTest() override { first.guarded().verify(); }

  [[nodiscard]] NamedHeap& create(const char* name, std::uint64_t flags = LUNA_HEAP_GUARDS) {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = name;
    options.flags = flags;
    NamedHeap* heap = nullptr;
    EXPECT_EQ(heaps.create(options, heap), 0);
    return *heap;
  }
  [[nodiscard]] void* allocate(ThreadParts& parts, NamedHeap& heap, std::size_t bytes) {
    return heap.allocate(*heaps.part_of(parts, heap), bytes);
  }
  void free(ThreadParts& parts, void* block) {
    if (first.deallocate(nullptr, block) == Verdict::kOther) heaps.deallocate(parts, block);
  }

  test::TestAllocator first;
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
  std::vector<MistakeKind> told;
  std::string heap_told;
};

TEST_F(NamedGuardingTest, OnlyHeapsThatWantItAndNoSamples) {
  ThreadParts& parts = *heaps.attach(nullptr);
  NamedHeap& heap = create("guarded");
  EXPECT_EQ(heap.place(), ThreadParts::kNowhere);
  EXPECT_FALSE(heap.frees_fast());
  EXPECT_TRUE(first.guarded().own(allocate(parts, heap, 100)));
  EXPECT_FALSE(first.guarded().own(allocate(parts, heap, 0)));
  EXPECT_FALSE(first.guarded().own(allocate(parts, heap, 1 << 20)));
  EXPECT_FALSE(first.guarded().own(allocate(parts, create("plain", 0), 100)));
  EXPECT_FALSE(first.guarded().is_due(100, 16));
  heaps.detach(parts);
}

TEST_F(NamedGuardingTest, MistakesAreToldWithTheHeap) {
  ThreadParts& parts = *heaps.attach(nullptr);
  NamedHeap& heap = create("first");
  auto* block = static_cast<std::byte*>(allocate(parts, heap, 100));
  free(parts, block + 16);
  EXPECT_EQ(told, std::vector{MistakeKind::kInteriorFree});
  block = static_cast<std::byte*>(allocate(parts, heap, 100));
  free(parts, block);
  free(parts, block);
  EXPECT_EQ(told.back(), MistakeKind::kDoubleFree);
  EXPECT_EQ(heap_told, "first");
  heaps.detach(parts);
}

TEST_F(NamedGuardingTest, WhatIsWiped) {
  ThreadParts& parts = *heaps.attach(nullptr);
  NamedHeap& heap = create("wiped", LUNA_HEAP_GUARDS | LUNA_HEAP_WIPES);
  auto* block = static_cast<unsigned char*>(allocate(parts, heap, 100));
  std::memset(block, 7, 100);
  free(parts, block);
  first.guarded().open(address_of(block));
  for (int i = 0; i < 100; ++i) ASSERT_EQ(block[i], 0);
  heaps.detach(parts);
}

TEST_F(NamedGuardingTest, AnEndFreesItsOwnAndNoOthers) {
  ThreadParts& parts = *heaps.attach(nullptr);
  NamedHeap& ends = create("ends");
  NamedHeap& stays = create("stays");
  void* gone = allocate(parts, ends, 100);
  void* there = allocate(parts, stays, 100);
  ASSERT_EQ(heaps.destroy(ends, parts), 0);
  EXPECT_TRUE(first.guarded().find(gone)->is_freed());
  EXPECT_FALSE(first.guarded().find(there)->is_freed());
  EXPECT_EQ(heaps.of(gone), nullptr);
  EXPECT_EQ(heaps.of(there), &stays);
  EXPECT_EQ(first.deallocate(nullptr, gone), Verdict::kDone);  // too late, and ignored
  EXPECT_STREQ(first.guarded().find(gone)->heap_name.data(), "ends");
  EXPECT_TRUE(told.empty());
  heaps.detach(parts);
}

// One heap ends again and again while others use the same few slots.
TEST_F(NamedGuardingTest, EndsWhileOthersAllocate) {
  constexpr int kRounds = 300;
  std::atomic<bool> over{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, heap = &create("stays")] {
      ThreadParts& parts = *heaps.attach(nullptr);
      while (!over) {
        void* block = allocate(parts, *heap, 64);
        std::memset(block, 1, 64);
        EXPECT_EQ(heaps.of(block), heap);
        std::this_thread::yield();
        EXPECT_EQ(static_cast<char*>(block)[63], 1);
        free(parts, block);
      }
      heaps.detach(parts);
    });
  }
  ThreadParts& parts = *heaps.attach(nullptr);
  NamedHeap& ends = create("ends");
  for (int round = 0; round < kRounds; ++round) {
    std::vector<void*> taken;
    for (int i = 0; i < 20; ++i) taken.push_back(allocate(parts, ends, 64));
    free(parts, taken[0]);
    ASSERT_EQ(heaps.reset(ends, parts), 0);
    EXPECT_EQ(ends.quota().used(), 0U);
    EXPECT_EQ(ends.statistics(nullptr).live_blocks, 0U);
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(told.empty());
  heaps.detach(parts);
}

}  // namespace
}  // namespace luna
