// SPDX-License-Identifier: MIT
// Blocks freed by other threads, piece by piece; every interleaving of the
// pieces is in remote_protocol_model_test.cpp.
#include "heap/remote.hpp"

#include "os/memory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kCapacity = kGranuleBytes / kBlockBytes;
constexpr std::uintptr_t kOwner = 0x1000;

// A slab of 64-byte blocks that are all in use, and its remote area.
struct FullSlab {
  FullSlab() {
    memory = static_cast<std::byte*>(os::map(kGranuleBytes));
    begin_slab(slab, size_class_of(kBlockBytes), kOwner, false);
    slab.fresh = slab.info().capacity;
    slab.carved = slab.fresh;
    slab.set_used(slab.carved);
  }
  ~FullSlab() { os::release(memory, kGranuleBytes); }
  FullSlab(const FullSlab&) = delete;
  FullSlab& operator=(const FullSlab&) = delete;

  bool publish(std::size_t word, std::uint64_t bits) {
    return publish_freed(area, &slab, memory, word, bits);
  }
  std::size_t collect() { return collect_freed(area, slab, memory); }
  [[nodiscard]] Block* block(std::size_t index) const {
    return reinterpret_cast<Block*>(memory + index * kBlockBytes);
  }

  std::byte* memory;
  Slab slab{};
  RemoteArea area{};
};

TEST(PublishFreed, FirstToPublishMustPush) {
  FullSlab fixture;

  EXPECT_TRUE(fixture.publish(0, 1));
  EXPECT_EQ(fixture.area.listed, 1U);
}

TEST(PublishFreed, OthersNeedNotPushWhileItIsListed) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(0, 1));

  EXPECT_FALSE(fixture.publish(0, 2));
  EXPECT_FALSE(fixture.publish(3, 1));
}

TEST(PublishFreed, NextOneMustPushOnceItIsUnlisted) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(0, 1));
  fixture.area.listed = 0;

  EXPECT_TRUE(fixture.publish(0, 2));
}

TEST(PublishFreedDeathTest, SameBlockTwiceIsADoubleFreeOfThatBlock) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(1, 0b1010));
  fixture.memory = reinterpret_cast<std::byte*>(0x10000);

  // Block 64 + 3 is at 0x10000 + 67 * 64.
  EXPECT_DEATH(fixture.publish(1, 0b11000), "lunalloc: double free of 0x110c0: ");
}

TEST(CollectFreed, PublishedBlocksJoinTheFreeList) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(0, 0b101));
  static_cast<void>(fixture.publish(kCapacity / 64 - 1, std::uint64_t{1} << 63));

  EXPECT_EQ(fixture.collect(), 3U);

  check_free_list(fixture.slab, fixture.memory);
  EXPECT_EQ(fixture.slab.carved - fixture.slab.used(), 3U);
  EXPECT_EQ(fixture.slab.own.first, fixture.block(kCapacity - 1));
}

TEST(CollectFreed, NothingPublishedIsNothingCollected) {
  FullSlab fixture;

  EXPECT_EQ(fixture.collect(), 0U);
  EXPECT_EQ(fixture.slab.own.first, nullptr);
}

TEST(CollectFreed, CollectedBlocksMayBePublishedAgain) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(0, 1));
  fixture.area.listed = 0;
  fixture.collect();
  fixture.slab.own.first = nullptr;
  fixture.slab.set_used(fixture.slab.carved);

  EXPECT_TRUE(fixture.publish(0, 1));
  EXPECT_EQ(fixture.collect(), 1U);
}

TEST(CollectFreed, KeepsWhatWasFreeBefore) {
  FullSlab fixture;
  fixture.block(7)->next = nullptr;
  fixture.slab.own.first = fixture.block(7);
  fixture.slab.set_used(fixture.slab.used() - 1);
  static_cast<void>(fixture.publish(0, 1));

  fixture.collect();

  check_free_list(fixture.slab, fixture.memory);
  EXPECT_EQ(fixture.slab.own.first->next, fixture.block(7));
}

TEST(CollectFreedDeathTest, MoreBlocksBackThanOutIsADoubleFree) {
  FullSlab fixture;
  fixture.slab.set_used(1);
  static_cast<void>(fixture.publish(0, 0b11));

  EXPECT_DEATH(fixture.collect(), "lunalloc: double free of 0x");
}

TEST(UnlistOrphan, SlabWithoutAnOwnerIsLeftAlone) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(0, 1));
  fixture.slab.owner = 0;

  EXPECT_FALSE(unlist_orphan(fixture.area, &fixture.slab));
  EXPECT_EQ(fixture.area.listed, 0U);
}

TEST(UnlistOrphan, SlabWithANewOwnerAndBitsMustBePushed) {
  FullSlab fixture;
  static_cast<void>(fixture.publish(2, 1));

  EXPECT_TRUE(unlist_orphan(fixture.area, &fixture.slab));
  EXPECT_EQ(fixture.area.listed, 1U);
}

TEST(UnlistOrphan, SlabWithANewOwnerButNoBitsIsUnlisted) {
  FullSlab fixture;
  fixture.area.listed = 1;

  EXPECT_FALSE(unlist_orphan(fixture.area, &fixture.slab));
  EXPECT_EQ(fixture.area.listed, 0U);
}

// Five slabs' headers and areas for one stack.
struct FiveSlabs {
  std::array<Slab, 5> slabs{};
  std::array<RemoteArea, 5> areas{};
  RemoteStack stack;
};

TEST(RemoteStack, BeginsEmpty) {
  RemoteStack stack;

  EXPECT_TRUE(stack.empty());
  EXPECT_EQ(stack.take_all(), nullptr);
}

TEST(RemoteStack, LastPushedComesFirst) {
  FiveSlabs fixture;
  for (std::size_t i = 0; i < 3; ++i) fixture.stack.push(fixture.areas[i], &fixture.slabs[i]);
  EXPECT_FALSE(fixture.stack.empty());

  EXPECT_EQ(fixture.stack.take_all(), &fixture.slabs[2]);
  EXPECT_EQ(fixture.areas[2].next, &fixture.slabs[1]);
  EXPECT_EQ(fixture.areas[1].next, &fixture.slabs[0]);
  EXPECT_EQ(fixture.areas[0].next, nullptr);
}

TEST(RemoteStack, IsEmptyWhenAllWasTaken) {
  FiveSlabs fixture;
  fixture.stack.push(fixture.areas[0], &fixture.slabs[0]);
  static_cast<void>(fixture.stack.take_all());

  EXPECT_TRUE(fixture.stack.empty());
  EXPECT_EQ(fixture.stack.take_all(), nullptr);
}

// Blocks freed one at a time by two threads arrive at an owner that collects
// whenever the slab is listed.
TEST(RemoteFrees, AllArriveFromTwoThreads) {
  FullSlab fixture;
  RemoteStack stack;
  std::vector<std::thread> threads;
  for (std::size_t half = 0; half < 2; ++half) {
    threads.emplace_back([&, half] {
      for (std::size_t i = half; i < fixture.slab.info().capacity; i += 2)
        if (fixture.publish(i / 64, std::uint64_t{1} << i % 64))
          stack.push(fixture.area, &fixture.slab);
    });
  }
  std::size_t collected = 0;
  while (collected < fixture.slab.info().capacity) {
    if (stack.take_all() == nullptr) continue;
    fixture.area.listed = 0;
    collected += fixture.collect();
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(fixture.slab.used(), 0U);
  check_free_list(fixture.slab, fixture.memory);
}

// What a cache publishes, in order.
struct Published {
  void operator()(const RemoteCache::Entry& entry) { entries.push_back(entry); }

  std::vector<RemoteCache::Entry> entries;
};

TEST(RemoteCache, BeginsWithNothingToPublish) {
  RemoteCache cache;
  Published published;
  cache.publish_all([&](const RemoteCache::Entry& entry) { published(entry); });

  EXPECT_TRUE(published.entries.empty());
}

TEST(RemoteCache, BlocksOfAWordShareAPlace) {
  RemoteCache cache;
  Slab slab{};

  EXPECT_EQ(&cache.entry_for(&slab, 3), &cache.entry_for(&slab, 3));
  EXPECT_NE(&cache.entry_for(&slab, 3), &cache.entry_for(&slab, 4));
}

TEST(RemoteCache, PublishesEachHeldWordOnce) {
  RemoteCache cache;
  Slab slab{};
  cache.entry_for(&slab, 0) = {&slab, 0, 5};
  cache.entry_for(&slab, 1) = {&slab, 1, 6};
  EXPECT_FALSE(cache.hold(64));
  Published published;
  for (int i = 0; i < 2; ++i)
    cache.publish_all([&](const RemoteCache::Entry& entry) { published(entry); });

  EXPECT_EQ(published.entries.size(), 2U);
}

TEST(RemoteCache, SaysWhenItHoldsTooMuch) {
  RemoteCache cache;
  std::size_t held = 0;
  while (!cache.hold(1024)) held += 1024;

  EXPECT_LE(held, 64U * 1024);
  EXPECT_GE(held, 8U * 1024);
}

TEST(RemoteCache, ForgetsWhatItHeld) {
  RemoteCache cache;
  Slab slab{};
  cache.entry_for(&slab, 0) = {&slab, 0, 5};
  static_cast<void>(cache.hold(64));
  cache.forget();
  Published published;
  cache.publish_all([&](const RemoteCache::Entry& entry) { published(entry); });

  EXPECT_TRUE(published.entries.empty());
}

}  // namespace
}  // namespace luna
