// SPDX-License-Identifier: MIT
// Heaps that end while other threads free into them.
#include "heap/named_heaps.hpp"

#include "support/heap_caller.hpp"
#include "support/random.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
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
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
};

TEST_F(NamedHeapsTest, TheFirstAllocatorTellsThemApart) {
  NamedHeap& heap = create(named("one"));
  ThreadParts& parts = *heaps.attach(nullptr);
  void* block = allocate(parts, heap, 100);
  void* run = allocate(parts, heap, 200'000);

  EXPECT_EQ(first.deallocate(nullptr, block), Verdict::kOther);
  EXPECT_EQ(first.deallocate(nullptr, run), Verdict::kOther);
  EXPECT_EQ(heaps.of(block), &heap);
  EXPECT_EQ(heaps.of(run), &heap);
  EXPECT_EQ(heaps.of(&heap), nullptr);
  heaps.deallocate(parts, block);
  heaps.deallocate(parts, run);
  EXPECT_EQ(heap.statistics(parts.at(heap.number())).live_blocks, 0U);
  heaps.detach(parts);
}

TEST_F(NamedHeapsTest, ThePlaceOfAHeapServesTheNext) {
  NamedHeap& heap = create(named("one"));
  ThreadParts& parts = *heaps.attach(nullptr);
  void* block = allocate(parts, heap, 100);
  ASSERT_EQ(heaps.destroy(heap, parts), 0);
  heaps.deallocate(parts, block);  // too late, and ignored
  NamedHeap& next = create(named("two"));

  EXPECT_EQ(&next, &heap);
  EXPECT_STREQ(next.name(), "two");
  EXPECT_EQ(parts.at(next.number()), nullptr);
  EXPECT_NE(allocate(parts, next, 100), nullptr);
  EXPECT_EQ(next.statistics(parts.at(next.number())).live_blocks, 1U);
  heaps.detach(parts);
}

TEST_F(NamedHeapsTest, AThreadThatEndsLeavesItsBlocks) {
  NamedHeap& heap = create(named("one"));
  ThreadParts& leaver = *heaps.attach(nullptr);
  auto* block = static_cast<char*>(allocate(leaver, heap, 100));
  std::memset(block, 7, 100);
  heaps.detach(leaver);
  ThreadParts& next = *heaps.attach(nullptr);

  EXPECT_EQ(&next, &leaver);
  EXPECT_EQ(next.at(heap.number()), nullptr);
  EXPECT_EQ(block[99], 7);
  heaps.deallocate(next, block);
  EXPECT_EQ(heap.statistics(nullptr).live_blocks, 0U);
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

TEST_F(NamedHeapsTest, WhatIsKeptForSamplesIsFree) {
  const SampleObserver observer = {
      nullptr,
      [](void*, const SampledBlock&) noexcept { return true; },
      [](void*, void*) noexcept { return true; },
      [](void*, const SampledBlock&) noexcept { return true; },
      [](void*, void*, void*) noexcept {},
  };
  ASSERT_TRUE(first.begin_sampling(observer));
  first.set_sampling_interval(1, 1);
  NamedHeap& heap = create(named("one"));
  ThreadParts& parts = *heaps.attach(nullptr);
  void* block = allocate(parts, heap, 100);

  const luna_heap_stats statistics = heap.statistics(parts.at(heap.number()));
  EXPECT_EQ(statistics.live_blocks, 1U);
  EXPECT_EQ(statistics.live_bytes, first.usable_bytes(block));
  EXPECT_GT(statistics.cached_bytes, 0U);
  EXPECT_GT(statistics.allocations, 0U);
  heaps.deallocate(parts, block);
  heaps.detach(parts);
}

TEST_F(NamedHeapsTest, TheFastPathFreesInHeapsOfItsThread) {
  NamedHeap& heap = create(named("fast"));
  luna_heap_options options = named("wiping");
  options.flags = LUNA_HEAP_WIPES;
  NamedHeap& wiping = create(options);
  test::HeapCaller caller(first, heaps);
  test::HeapCaller other(first, heaps);
  void* block = caller.allocate(heap, 100);
  void* next = caller.allocate(heap, 100);
  void* wiped = caller.allocate(wiping, 100);

  EXPECT_FALSE(caller.deallocate(block));  // the view of the window is older than the heap
  EXPECT_TRUE(caller.deallocate(next));
  EXPECT_FALSE(caller.deallocate(wiped));
  block = caller.allocate(heap, 100);
  EXPECT_FALSE(other.deallocate(block));
  EXPECT_EQ(heap.statistics(caller.parts().at(heap.number())).live_blocks, 0U);
  EXPECT_EQ(wiping.statistics(nullptr).live_blocks, 0U);
}

TEST_F(NamedHeapsTest, WhoEndsTakesTheNameOffItsSlabs) {
  NamedHeap& heap = create(named("left"));
  std::vector<void*> blocks;
  {
    test::HeapCaller leaver(first, heaps);
    for (int i = 0; i < 5000; ++i) blocks.push_back(leaver.allocate(heap, 64));
    EXPECT_TRUE(leaver.parts().at(heap.number())->follows());
  }
  test::HeapCaller next(first,
                        heaps);  // with the heap of the one before, which its slabs were named by
  for (void* block : blocks) EXPECT_FALSE(next.deallocate(block));
  EXPECT_EQ(heap.statistics(nullptr).live_blocks, 0U);
}

TEST_F(NamedHeapsTest, WhatIsProtectedIsNotFreedOnTheFastPath) {
  NamedHeap& heap = create(named("kept"));
  test::HeapCaller caller(first, heaps);
  void* block = caller.allocate(heap, 64);
  void* next = caller.allocate(heap, 64);
  caller.deallocate(next);
  ASSERT_EQ(heap.protect(LUNA_HEAP_NO_ACCESS), 0);
  EXPECT_FALSE(caller.deallocate(block));
  ASSERT_EQ(heap.protect(LUNA_HEAP_READ_WRITE), 0);
  block = caller.allocate(heap, 100);  // by the slow path, on which the part follows again
  EXPECT_TRUE(caller.deallocate(block));
}

// Each thread frees what it took of a heap, and what another one did, while one thread ends it and
// begins it anew.
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
        test::HeapCaller caller(first, heaps);
        for (std::size_t k = 0; k < 300; ++k)
          taken[i].push_back(caller.allocate(heap, k % 10 == 0 ? 20'000 : 64));
        ++ready;
        while (ready < kThreads) std::this_thread::yield();
        for (std::size_t from : {i, (i + 1) % kThreads})
          for (std::size_t k = from == i ? 0 : 150; k < (from == i ? 150 : 300); ++k)
            caller.deallocate(taken[from][k]);
      });
    }
    while (ready < kThreads) std::this_thread::yield();
    EXPECT_EQ(heaps.destroy(heap, no_parts), 0);
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(heaps.count(), 0U);
}

// What a thread does in one of many heaps, at random; blocks go by a shelf to other threads.
class Worker {
 public:
  static constexpr std::size_t kLimit = std::size_t{2} << 20;
  using Shelf = std::array<std::atomic<void*>, 256>;

  Worker(test::HeapCaller& caller, const std::vector<NamedHeap*>& all, Shelf& shelf,
         std::uint64_t seed)
      : caller_(caller), all_(all), shelf_(shelf), random_(seed) {}

  void step() {
    NamedHeap& heap = *all_[random_.below(all_.size())];
    const std::size_t bytes = random_.one_in(16) ? random_.below(60'000) : random_.below(500);
    void* block = caller_.allocate(heap, bytes);
    if (block != nullptr && random_.one_in(2)) {  // for no other thread
      caller_.deallocate(block);
      block = caller_.allocate(heap, bytes);
    }
    if (block != nullptr) std::memset(block, 1, bytes);
    block = shelf_[random_.below(shelf_.size())].exchange(block);
    if (block != nullptr) caller_.deallocate(block);
    EXPECT_LE(heap.quota().used(), kLimit);
  }

 private:
  test::HeapCaller& caller_;
  const std::vector<NamedHeap*>& all_;
  Shelf& shelf_;
  test::Random random_;
};

// By hand for longer: LUNA_HEAP_SECONDS=60
TEST_F(NamedHeapsTest, AllReturnsToNothing) {
  const char* wanted = std::getenv("LUNA_HEAP_SECONDS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 0);
  std::vector<NamedHeap*> all;
  for (std::size_t i = 0; i < 64; ++i) {
    luna_heap_options options = named("busy");
    options.limit_bytes = Worker::kLimit;
    options.flags = i % 4 == 0 ? LUNA_HEAP_EXACT : 0;
    all.push_back(&create(options));
  }
  Worker::Shelf shelf{};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      do {
        test::HeapCaller caller(first, heaps);
        Worker worker(caller, all, shelf, i + 1);
        for (int k = 0; k < 3000; ++k) worker.step();
      } while (std::chrono::steady_clock::now() < end);
    });
  }
  for (std::thread& thread : threads) thread.join();
  ThreadParts& parts = *heaps.attach(nullptr);
  for (auto& place : shelf)
    if (void* block = place.exchange(nullptr); block != nullptr) heaps.deallocate(parts, block);
  for (NamedHeap* heap : all) {
    heap->trim(nullptr);
    EXPECT_EQ(heap->statistics(nullptr).live_blocks, 0U);
    EXPECT_EQ(heap->quota().used(), 0U);
    EXPECT_LE(heap->quota().peak(), Worker::kLimit);
    EXPECT_EQ(heaps.destroy(*heap, parts), 0);
  }
  heaps.detach(parts);
}

}  // namespace
}  // namespace luna
