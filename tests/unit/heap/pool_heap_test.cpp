// SPDX-License-Identifier: MIT
// Pools whose chunks are of a named heap: what it denies, what its end does to them.
#include "heap/named_heaps.hpp"
#include "heap/pool_list.hpp"
#include "support/test_thread.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kBlocks = 4032;  // of 64 bytes, in a chunk

struct PoolHeapTest : testing::Test {
  PoolHeapTest() { first.set_pools(&pools); }

  [[nodiscard]] NamedHeap& heap(std::uint64_t limit = 0, std::uint64_t flags = 0,
                                NamedHeap* parent = nullptr) {
    luna_heap_options options{};
    options.struct_size = sizeof options;
    options.name = "heap";
    options.limit_bytes = limit;
    options.flags = flags;
    options.parent = reinterpret_cast<luna_heap*>(parent);
    NamedHeap* made = nullptr;
    EXPECT_EQ(heaps.create(options, made), 0);
    return *made;
  }
  [[nodiscard]] static PoolOptions of(NamedHeap& heap) {
    return {.block_bytes = 64, .heap = &heap};
  }
  [[nodiscard]] Pool& pool(const PoolOptions& options) {
    return *pools.create(first.pages(), "pool", options);
  }
  [[nodiscard]] static std::vector<void*> take_all(Pool& from) {
    std::vector<void*> blocks;
    while (blocks.size() < 10 * kBlocks) {
      void* block = from.allocate(true);
      if (block == nullptr) break;
      blocks.push_back(block);
    }
    return blocks;
  }
  [[nodiscard]] std::size_t count() {
    std::size_t pools_seen = 0;
    pools.for_each([&](Pool&) noexcept { ++pools_seen; });
    return pools_seen;
  }

  const std::size_t chunk = Pool::chunk_bytes({.block_bytes = 64});
  test::TestAllocator first;
  os::ProtectionKeys keys;
  NamedHeaps heaps{first, keys};
  PoolList pools;
};

TEST_F(PoolHeapTest, ChunksCountForTheHeapAndThoseAboveIt) {
  for (const std::uint64_t flags : {std::uint64_t{0}, std::uint64_t{LUNA_HEAP_EXACT}}) {
    NamedHeap& above = heap(0, flags);
    NamedHeap& own = heap(0, flags, &above);
    Pool& from = pool(of(own));

    for (std::size_t i = 0; i <= kBlocks; ++i) ASSERT_NE(from.allocate(true), nullptr);

    EXPECT_EQ(own.quota().used(), 2 * chunk);
    EXPECT_EQ(above.quota().used(), 2 * chunk);
    EXPECT_EQ(own.statistics(nullptr).live_bytes, 2 * chunk);
    EXPECT_EQ(own.statistics(nullptr).live_blocks, 2U);
    pools.destroy(first.pages(), from);
    EXPECT_EQ(own.quota().used(), 0U);
    EXPECT_EQ(above.quota().used(), 0U);
  }
}

TEST_F(PoolHeapTest, LimitsHoldToTheByte) {
  for (const std::uint64_t flags : {std::uint64_t{0}, std::uint64_t{LUNA_HEAP_EXACT}}) {
    Pool& just = pool(of(heap(2 * chunk, flags)));
    Pool& less = pool(of(heap(2 * chunk - 1, flags)));
    NamedHeap& above = heap(2 * chunk - 1, flags);
    Pool& below = pool(of(heap(0, flags, &above)));

    EXPECT_EQ(take_all(just).size(), 2 * kBlocks);
    EXPECT_EQ(take_all(less).size(), kBlocks);
    EXPECT_EQ(take_all(below).size(), kBlocks);
    EXPECT_EQ(just.usage().denied, 1U);
  }
}

TEST_F(PoolHeapTest, DeniedIsTriedAgainForAsLongAsSomebodyEases) {
  NamedHeap& own = heap(chunk);
  Pool& from = pool(of(own));
  static_cast<void>(take_all(from));
  int asked = 0;

  void* block = from.allocate(true, [&]() noexcept {
    if (++asked == 3) own.set_limit(2 * chunk);
    return asked < 10;
  });

  EXPECT_NE(block, nullptr);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(from.usage().denied, 1U);  // of take_all()
}

TEST_F(PoolHeapTest, OneThatTakesAllAtTheStartIsDeniedOrEasedThere) {
  NamedHeap& own = heap(2 * chunk);
  PoolOptions options = of(own);
  options.auto_expand = false;
  options.max_blocks = 2 * kBlocks + 1;
  EXPECT_EQ(pools.create(first.pages(), "denied", options), nullptr);
  EXPECT_EQ(own.quota().used(), 0U);

  const Pool* made = pools.create(first.pages(), "eased", options, [&]() noexcept {
    own.set_limit(3 * chunk);
    return true;
  });

  EXPECT_NE(made, nullptr);
  EXPECT_EQ(count(), 1U);
}

TEST_F(PoolHeapTest, EndsWithItsHeapAndNoOther) {
  for (const bool destroys : {false, true}) {
    NamedHeap& own = heap();
    NamedHeap& other = heap();
    Pool& from = pool(of(own));
    Pool& stays = pool(of(other));
    void* block = from.allocate(true);
    void* stayed = stays.allocate(true);

    EXPECT_EQ(destroys ? heaps.destroy(own, no_parts) : heaps.reset(own, no_parts), 0);

    EXPECT_TRUE(from.is_gone());
    EXPECT_EQ(count(), 1U);
    EXPECT_EQ(pools.find(block), nullptr);
    EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone);
    EXPECT_EQ(from.deallocate(block, false), PoolFree::kDone);
    EXPECT_EQ(from.allocate(true), nullptr);
    EXPECT_EQ(from.allocate(false), nullptr);
    EXPECT_EQ(from.trim(), 0U);
    pools.destroy(first.pages(), from);
    EXPECT_EQ(stays.deallocate(stayed, true), PoolFree::kDone);
    pools.destroy(first.pages(), stays);
  }
}

TEST_F(PoolHeapTest, RecordOfOneThatIsGoneGoesASecondLater) {
  NamedHeap& own = heap();
  const std::size_t before = first.pages().usage().used;
  Pool& early = pool(of(own));
  static_cast<void>(early.allocate(true));
  EXPECT_EQ(heaps.reset(own, no_parts), 0);
  Pool& late = pool(of(own));
  static_cast<void>(late.allocate(true));
  EXPECT_EQ(heaps.reset(own, no_parts), 0);

  early.gone_ms -= 1000;
  late.gone_ms -= 1000;
  pools.destroy(first.pages(), pool(of(own)));

  EXPECT_EQ(first.pages().usage().used, before);
}

TEST_F(PoolHeapTest, OneThatIsGoneIsUsedAfterAForkOnBothSides) {
  NamedHeap& own = heap();
  Pool& from = pool(of(own));
  void* block = from.allocate(true);
  EXPECT_EQ(heaps.destroy(own, no_parts), 0);

  pools.prepare_fork();
  pools.resume_parent();
  EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone);
  pools.prepare_fork();
  pools.resume_child();
  EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone);
}

TEST_F(PoolHeapTest, AHeapIsTrimmedAlone) {
  NamedHeap& own = heap();
  NamedHeap& other = heap();
  for (NamedHeap* each : {&own, &other}) {
    PoolOptions options = of(*each);
    options.reclaim_on_purge = true;
    Pool& from = pool(options);
    EXPECT_EQ(from.deallocate(from.allocate(true), true), PoolFree::kDone);
  }

  pools.trim_those_of(own);
  EXPECT_EQ(own.quota().used(), 0U);
  EXPECT_EQ(other.quota().used(), chunk);

  first.trim(nullptr, 0);
  EXPECT_EQ(other.quota().used(), 0U);
}

TEST_F(PoolHeapTest, BlocksOfAHeapThatWipesAreCleared) {
  Pool& from = pool(of(heap(0, LUNA_HEAP_WIPES)));
  auto* block = static_cast<char*>(from.allocate(true));
  auto* beside = static_cast<char*>(from.allocate(true));
  std::memset(block, 1, 64);
  std::memset(beside, 1, 64);

  EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone);

  const std::array<char, 64> zeros{};
  EXPECT_EQ(std::memcmp(block, zeros.data(), 64), 0);
  EXPECT_EQ(beside[0] + beside[63], 2);
  std::memset(block, 1, 64);
  EXPECT_EQ(from.deallocate(block, true), PoolFree::kNotInUse);
  EXPECT_EQ(block[0], 1);
}

// Looks at what another thread writes to.
[[gnu::no_sanitize_thread]] char byte_at(const volatile char* place) { return *place; }

TEST_F(PoolHeapTest, EndWaitsForWhoClearsABlock) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  PoolOptions options = of(heap(0, LUNA_HEAP_WIPES));
  options.block_bytes = kBytes;
  Pool& from = pool(options);
  auto* block = static_cast<char*>(from.allocate(true));
  std::memset(block, 1, kBytes);

  std::thread other([&] { EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone); });
  while (byte_at(block) != 0 && byte_at(block + kBytes - 1) != 0) std::this_thread::yield();
  from.end();

  EXPECT_EQ(byte_at(block) + byte_at(block + kBytes / 2) + byte_at(block + kBytes - 1), 0);
  other.join();
}

TEST_F(PoolHeapTest, NothingIsTakenFromAProtectedHeapAndFreedBlocksWait) {
  NamedHeap& own = heap(0, LUNA_HEAP_WIPES);
  PoolOptions options = of(own);
  options.reclaim_on_free = true;
  Pool& from = pool(options);
  void* block = from.allocate(true);

  ASSERT_EQ(own.protect(LUNA_HEAP_NO_ACCESS), 0);
  EXPECT_EQ(from.take(), nullptr);
  EXPECT_EQ(from.allocate(true), nullptr);
  EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone);
  EXPECT_EQ(from.trim(), 0U);

  ASSERT_EQ(own.protect(LUNA_HEAP_READ_WRITE), 0);
  EXPECT_EQ(from.trim(), chunk);
  EXPECT_EQ(own.quota().used(), 0U);
}

// Under a thread sanitizer this says more.
TEST_F(PoolHeapTest, EndsWhileOthersFreeIntoIt) {
  for (int round = 0; round < 200; ++round) {
    NamedHeap& own = heap(0, LUNA_HEAP_WIPES);
    PoolOptions options = of(own);
    options.reclaim_on_free = round % 2 != 0;
    options.max_blocks = 100;
    Pool& from = pool(options);
    const std::vector<void*> blocks = take_all(from);
    std::atomic<int> freed{0};

    std::thread other([&] {
      for (void* block : blocks) {
        EXPECT_EQ(from.deallocate(block, true), PoolFree::kDone);
        freed.fetch_add(1);
      }
    });
    while (freed.load() < round % 100) std::this_thread::yield();
    EXPECT_EQ(heaps.destroy(own, no_parts), 0);
    other.join();

    EXPECT_EQ(from.allocate(true), nullptr);
  }
}

}  // namespace
}  // namespace luna
