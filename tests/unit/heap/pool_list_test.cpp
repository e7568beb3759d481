// SPDX-License-Identifier: MIT
#include "heap/pool_list.hpp"

#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

struct Pools {
  [[nodiscard]] Pool& create(const char* name, const PoolOptions& options) {
    return *list.create(pages.heap, name, options);
  }
  [[nodiscard]] std::string names() {
    std::string result;
    list.for_each([&](Pool& pool) noexcept { result += std::string(pool.name()) + " "; });
    return result;
  }

  test::TestPages pages;
  PoolList list;
};

TEST(PoolList, TellsOfThoseThatThereAre) {
  Pools fixture;
  Pool& first = fixture.create("first", {.block_bytes = 10});
  Pool& second = fixture.create("second", {.block_bytes = 10});

  EXPECT_EQ(fixture.names(), "second first ");
  fixture.list.destroy(fixture.pages.heap, first);
  EXPECT_EQ(fixture.names(), "second ");
  fixture.list.destroy(fixture.pages.heap, second);
  EXPECT_EQ(fixture.pages.heap.usage().used, 0U);
}

TEST(PoolList, FindsThePoolOfABlock) {
  Pools fixture;
  Pool& small = fixture.create("small", {.block_bytes = 10});
  Pool& large = fixture.create("large", {.block_bytes = 5 << 20});
  auto* of_small = static_cast<std::byte*>(small.allocate(true));
  auto* of_large = static_cast<std::byte*>(large.allocate(true));

  EXPECT_EQ(fixture.list.find(of_small), &small);
  EXPECT_EQ(fixture.list.find(of_large + (4 << 20)), &large);
  EXPECT_EQ(fixture.list.find(&fixture), nullptr);
  fixture.list.destroy(fixture.pages.heap, small);
  EXPECT_EQ(fixture.list.find(of_small), nullptr);
  fixture.list.destroy(fixture.pages.heap, large);
}

TEST(PoolList, OneThatTheKernelRefusesLeavesNothing) {
  Pools fixture;
  fixture.pages.heap.set_hard_limit(1 << 20);
  Pool* pool = fixture.list.create(fixture.pages.heap, "too large",
                                   {.block_bytes = 4096, .max_blocks = 1000, .auto_expand = false});

  EXPECT_EQ(pool, nullptr);
  EXPECT_EQ(fixture.names(), "");
  EXPECT_EQ(fixture.pages.heap.usage().used, 0U);
}

TEST(PoolList, LongNameIsCut) {
  Pools fixture;
  Pool& pool = fixture.create(std::string(100, 'x').c_str(), {.block_bytes = 10});

  EXPECT_EQ(std::string(pool.name()), std::string(Pool::kMaxNameBytes, 'x'));
  fixture.list.destroy(fixture.pages.heap, pool);
}

TEST(PoolList, TrimsThoseThatMayBeReclaimedFrom) {
  Pools fixture;
  Pool& kept = fixture.create("kept", {.block_bytes = 10});
  Pool& on_free = fixture.create("on free", {.block_bytes = 10, .reclaim_on_free = true});
  Pool& on_purge = fixture.create("on purge", {.block_bytes = 10, .reclaim_on_purge = true});
  Pool& in_use = fixture.create("in use", {.block_bytes = 10, .reclaim_on_purge = true});
  for (Pool* pool : {&kept, &on_free, &on_purge}) {
    void* block = pool->allocate(true);
    EXPECT_EQ(pool->deallocate(block, false), PoolFree::kDone);  // as a handler frees
  }
  EXPECT_NE(in_use.allocate(true), nullptr);

  fixture.list.trim(fixture.pages.heap);

  EXPECT_NE(kept.usage().chunk_bytes, 0U);
  EXPECT_EQ(on_free.usage().chunk_bytes, 0U);
  EXPECT_EQ(on_purge.usage().chunk_bytes, 0U);
  EXPECT_NE(in_use.usage().chunk_bytes, 0U);
  for (Pool* pool : {&kept, &on_free, &on_purge, &in_use})
    fixture.list.destroy(fixture.pages.heap, *pool);
}

TEST(PoolList, IsUsedAfterAForkOnBothSides) {
  Pools fixture;
  Pool& pool = fixture.create("forked", {.block_bytes = 10});
  fixture.list.prepare_fork();
  fixture.list.resume_parent();
  EXPECT_NE(pool.allocate(true), nullptr);

  fixture.list.prepare_fork();
  fixture.list.resume_child();
  EXPECT_NE(pool.allocate(true), nullptr);
  EXPECT_EQ(fixture.names(), "forked ");
  fixture.list.destroy(fixture.pages.heap, pool);
}

}  // namespace
}  // namespace luna
