// SPDX-License-Identifier: MIT
// Heaps whose memory carries a protection key, under a kernel and a processor that are made up.
#include "heap/named_heaps.hpp"
#include "support/fake_keys.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace luna {
namespace {

using os::ProtectionKeys;
using test::FakeKeys;

struct KeyedHeapsTest : testing::Test {
  [[nodiscard]] NamedHeap& create(std::uint64_t flags = LUNA_HEAP_KEY) {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = "keyed";
    options.flags = flags;
    NamedHeap* heap = nullptr;
    EXPECT_EQ(heaps.create(options, heap), 0);
    return *heap;
  }
  [[nodiscard]] void* allocate(NamedHeap& heap, std::size_t bytes) {
    return heap.allocate(*heaps.part_of(parts, heap), bytes);
  }

  FakeKeys fake;
  test::TestAllocator first;
  NamedHeaps heaps{first, fake.keys};
  ThreadParts& parts = *heaps.attach(nullptr);
};

TEST_F(KeyedHeapsTest, WhatIsHandedOutCarriesTheKey) {
  NamedHeap& heap = create();
  EXPECT_EQ(heap.key(), 1);
  EXPECT_EQ(heap.place(), ThreadParts::kNowhere);
  EXPECT_FALSE(heap.frees_fast());
  for (const std::size_t bytes : {16U, 30'000U, 200'000U, 5'000'000U, 1'100'000'000U}) {
    auto* block = static_cast<std::byte*>(allocate(heap, bytes));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(FakeKeys::key_at(block), 1);
    EXPECT_EQ(FakeKeys::key_at(block + bytes - 1), 1);
    heaps.deallocate(parts, block);
  }
}

TEST_F(KeyedHeapsTest, ARegionIsTaggedOnce) {
  NamedHeap& heap = create();
  for (int i = 0; i < 1000; ++i) ASSERT_NE(allocate(heap, 64), nullptr);
  EXPECT_EQ(FakeKeys::tags(), 1);
  EXPECT_EQ(FakeKeys::key_at(allocate(create(0), 64)), ProtectionKeys::kNoKey);
}

TEST_F(KeyedHeapsTest, GrowthIsACopyThatCarriesTheKey) {
  NamedHeap& heap = create();
  void* block = allocate(heap, 5'000'000);
  EXPECT_EQ(heap.resize(parts.at(heap.number()), block, 50'000'000), nullptr);
}

TEST_F(KeyedHeapsTest, PagesNeitherComeNorGo) {
  NamedHeap& keyed = create();
  NamedHeap& other = create(0);
  void* in = allocate(keyed, 5'000'000);
  void* out = allocate(other, 5'000'000);
  EXPECT_EQ(heaps.move(parts, in, &other), nullptr);
  EXPECT_EQ(heaps.move(parts, in, nullptr), nullptr);
  EXPECT_EQ(heaps.move(parts, out, &keyed), nullptr);
  EXPECT_EQ(heaps.of(in), &keyed);
  EXPECT_EQ(heaps.of(out), &other);
  EXPECT_NE(heaps.move(parts, out, nullptr), nullptr);
}

TEST_F(KeyedHeapsTest, WhatItLeavesHasNoKey) {
  NamedHeap& heap = create();
  std::vector<void*> blocks;
  for (const std::size_t bytes : {16U, 200'000U, 5'000'000U})
    blocks.push_back(allocate(heap, bytes));
  ASSERT_EQ(heaps.reset(heap, parts), 0);
  for (void* block : blocks) EXPECT_EQ(FakeKeys::key_at(block), ProtectionKeys::kNoKey);

  void* next = allocate(heap, 16);
  EXPECT_EQ(FakeKeys::key_at(next), 1);
  ASSERT_EQ(heaps.destroy(heap, parts), 0);
  EXPECT_EQ(FakeKeys::key_at(next), ProtectionKeys::kNoKey);
  EXPECT_EQ(FakeKeys::taken(), 0);
}

TEST_F(KeyedHeapsTest, OnlyWhoMayWriteAllocates) {
  NamedHeap& heap = create();
  EXPECT_TRUE(heap.is_open_here());
  fake.keys.set_rights(heap.key(), os::KeyRights::kRead);
  EXPECT_FALSE(heap.is_open_here());
  EXPECT_TRUE(heap.is_open());
  fake.keys.set_rights(heap.key(), os::KeyRights::kReadWrite);
  EXPECT_EQ(heap.protect(LUNA_HEAP_READ), 0);
  EXPECT_FALSE(heap.is_open_here());
}

TEST_F(KeyedHeapsTest, WithoutAKeyItIsAHeapAsOthers) {
  for (const int error : {ENOSYS, EINVAL, ENOSPC}) {
    FakeKeys::refuse_keys(error);
    FakeKeys::rights() = ~0U;  // of no key that is its
    NamedHeap& heap = create();
    EXPECT_EQ(heap.key(), ProtectionKeys::kNoKey);
    EXPECT_EQ(heap.place(), heap.number());
    EXPECT_TRUE(heap.is_open_here());
    EXPECT_NE(allocate(heap, 100), nullptr);
    EXPECT_EQ(heap.protect(LUNA_HEAP_NO_ACCESS), 0);
    EXPECT_EQ(heaps.destroy(heap, parts), 0);
  }
  EXPECT_EQ(FakeKeys::tags(), 0);
  EXPECT_EQ(FakeKeys::taken(), 0);
}

TEST_F(KeyedHeapsTest, WithoutATagNothingIsHandedOut) {
  NamedHeap& heap = create();
  FakeKeys::refuse_tags(ENOMEM);
  EXPECT_EQ(allocate(heap, 100), nullptr);
  EXPECT_EQ(allocate(heap, 5'000'000), nullptr);
  FakeKeys::refuse_tags(0);
  EXPECT_EQ(heap.statistics(parts.at(heap.number())).live_blocks, 0U);
  EXPECT_NE(allocate(heap, 100), nullptr);
}

}  // namespace
}  // namespace luna
