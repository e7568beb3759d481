// SPDX-License-Identifier: MIT
// What pools give back when memory is wanted elsewhere, and what they do when none is to be had.
//
// Usage: pool_reclaim_guest PART
#include "child.hpp"
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"
#include "pool_api.hpp"
#include "pressure_api.hpp"

#include <lunalloc/lunalloc.h>
#include <malloc.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

namespace {

using heap::kMiB;

constexpr std::size_t kBlock = 32 << 10;
constexpr std::uint64_t kChunk = 228 << 10;  // seven of them, with their lead

// A pool with so many bytes of blocks that were written to and are free now.
[[nodiscard]] luna_pool* pool_with_free(const PoolApi& api, luna_pool_options options,
                                        std::size_t bytes) {
  luna_pool* pool = make_pool(api, "reclaimed", kBlock, options);
  std::vector<void*> blocks(bytes / kBlock);
  for (void*& block : blocks) {
    block = api.allocate(pool);
    EXPECT(block != nullptr);
    memset(block, 1, kBlock);
  }
  for (void* block : blocks) EXPECT(api.deallocate(pool, block) == 0);
  return pool;
}

[[nodiscard]] luna_pool_options reclaimed(luna_heap* of = nullptr) {
  luna_pool_options options = pool_options();
  options.reclaim_on_purge = 1;
  options.heap = of;
  return options;
}

[[nodiscard]] std::uint64_t chunk_bytes(const PoolApi& api, luna_pool* pool) {
  return usage_of(api, pool).chunk_bytes;
}

// By luna_purge() and malloc_trim(), in a heap and in none.
void purge() {
  const PoolApi api;
  const auto purge = find<decltype(luna_purge)>("luna_purge");
  for (luna_heap* of : {static_cast<luna_heap*>(nullptr), heap::made("own")}) {
    luna_pool* pool = pool_with_free(api, reclaimed(of), 10 * kMiB);
    EXPECT(chunk_bytes(api, pool) >= 10 * kMiB);
    const std::size_t given = purge(0);
    EXPECT(given >= 10 * kMiB && given < 12 * kMiB);
    EXPECT(chunk_bytes(api, pool) == 0 && (of == nullptr || heap::stats(of).used_bytes == 0));
    EXPECT(purge(0) < kMiB);
    EXPECT(api.destroy(pool) == 0);
    pool = pool_with_free(api, reclaimed(of), kMiB);
    EXPECT(malloc_trim(0) == 1);
    EXPECT(chunk_bytes(api, pool) == 0);
    EXPECT(api.destroy(pool) == 0);
  }
}

// One that was not asked to keeps what it has.
void keeps() {
  const PoolApi api;
  luna_pool* pool = pool_with_free(api, pool_options(), 10 * kMiB);
  const std::uint64_t before = chunk_bytes(api, pool);
  malloc_trim(0);
  EXPECT(before >= 10 * kMiB && chunk_bytes(api, pool) == before);
  EXPECT(usage_of(api, pool).resident_bytes >= 10 * kMiB);
}

// luna_heap_trim() is for one heap. At its limit a heap takes back what pools in it do not need.
void heaps() {
  const PoolApi api;
  luna_heap* own = heap::made("own", 4 * kMiB);
  luna_heap* other = heap::made("other");
  luna_pool* in_own = pool_with_free(api, reclaimed(own), 2 * kMiB);
  luna_pool* in_other = pool_with_free(api, reclaimed(other), 2 * kMiB);
  EXPECT(heap::heap_trim(own) >= 2 * kMiB);
  EXPECT(chunk_bytes(api, in_own) == 0 && chunk_bytes(api, in_other) >= 2 * kMiB);
  const std::vector<luna_pool*> two = {pool_with_free(api, reclaimed(own), 2 * kMiB),
                                       pool_with_free(api, reclaimed(own), kMiB)};
  EXPECT(heap::heap_malloc(own, 3 * kMiB) != nullptr);
  EXPECT(chunk_bytes(api, two[0]) == 0 && chunk_bytes(api, two[1]) == 0);
  luna_pool* third = pool_with_free(api, reclaimed(own), 3 * kMiB / 4);
  luna_pool* late = make_pool(api, "late", 512 << 10, reclaimed(own));
  EXPECT(chunk_bytes(api, third) >= 3 * kMiB / 4);
  EXPECT(api.allocate(late) != nullptr && chunk_bytes(api, third) == 0);
  EXPECT(heap::stats(own).denied == 0);
}

// The following are run below a hard limit of 64 MiB.

// Takes blocks, written to, until there is none; returns how many bytes they have.
std::size_t take_all(const PoolApi& api, luna_pool* pool, std::size_t most = 100 * kMiB) {
  std::size_t bytes = 0;
  for (; bytes < most; bytes += kBlock) {
    void* block = api.allocate(pool);
    if (block == nullptr) break;
    memset(block, 1, kBlock);
  }
  return bytes;
}

// NULL with ENOMEM, and with a bound it is not memory that there is too little of.
void denied() {
  const PoolApi api;
  luna_pool* pool = make_pool(api, "denied", kBlock, pool_options());
  errno = 0;
  const std::size_t taken = take_all(api, pool);
  EXPECT(taken > 60 * kMiB && taken < 64 * kMiB && errno == ENOMEM);
  EXPECT(chunk_bytes(api, pool) <= 64 * kMiB && chunk_bytes(api, pool) + kChunk > 63 * kMiB);
  EXPECT(usage_of(api, pool).denied == 1);
  luna_pool_options all = pool_options(kMiB / kBlock);
  all.auto_expand = 0;
  luna_pool* other = nullptr;
  errno = 0;
  EXPECT(api.create("none", kBlock, &all, &other) == ENOMEM && other == nullptr && errno == 0);
  EXPECT(api.destroy(pool) == 0);
  other = make_pool(api, "some", kBlock, all);
  EXPECT(take_all(api, other) == kMiB && errno == 0);
}

// What one pool does not need another one gets, at its start too, and malloc as well.
void eased() {
  const PoolApi api;
  luna_pool* first = pool_with_free(api, reclaimed(), 40 * kMiB);
  luna_pool* second = make_pool(api, "second", kBlock, pool_options());
  EXPECT(take_all(api, second, 40 * kMiB) == 40 * kMiB);
  EXPECT(chunk_bytes(api, first) == 0 && usage_of(api, second).denied == 0);
  EXPECT(api.destroy(second) == 0);
  luna_pool* third = pool_with_free(api, reclaimed(), 40 * kMiB);
  luna_pool_options all = pool_options(40 * kMiB / kBlock);
  all.auto_expand = 0;
  luna_pool* fourth = make_pool(api, "fourth", kBlock, all);
  EXPECT(chunk_bytes(api, third) == 0 && chunk_bytes(api, fourth) >= 40 * kMiB);
  EXPECT(api.destroy(fourth) == 0);
  luna_pool* fifth = pool_with_free(api, reclaimed(), 40 * kMiB);
  EXPECT(expect::opaque(malloc(40 * kMiB)) != nullptr);
  EXPECT(chunk_bytes(api, fifth) == 0);
}

// Blocks in use, of which a callback frees half.
struct Held {
  void add(void* block) {
    EXPECT(pthread_mutex_lock(&lock) == 0);
    EXPECT(count < std::size(blocks));
    blocks[count++] = block;
    EXPECT(pthread_mutex_unlock(&lock) == 0);
  }

  static void drop(const luna_pressure_event* event, void* context) {
    auto* self = static_cast<Held*>(context);
    if (event->level < LUNA_PRESSURE_CRITICAL) return;
    ++self->calls;
    EXPECT(pthread_mutex_lock(&self->lock) == 0);
    for (std::size_t left = self->count / 2; self->count > left;)
      EXPECT(self->api.deallocate(self->pool, self->blocks[--self->count]) == 0);
    EXPECT(pthread_mutex_unlock(&self->lock) == 0);
  }

  PoolApi api;
  luna_pool* pool = nullptr;
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  void* blocks[4096];
  std::size_t count = 0;
  std::atomic<int> calls{0};
};

// Many times what the limit allows. Without help there would be a NULL before each call; on a busy
// machine a callback may come too late for the request that it was called for.
void subscribers() {
  static Held held;
  const Api pressure;
  luna_subscription number = 0;
  luna_pool_options options = pool_options();
  options.reclaim_on_free = 1;
  held.pool = make_pool(held.api, "served", kBlock, options);
  EXPECT(pressure.subscribe(LUNA_PRESSURE_CRITICAL, 0, &Held::drop, &held, &number) == 0);
  int refused = 0;
  for (std::size_t taken = 0; taken < 500 * kMiB; taken += kBlock) {
    void* block = held.api.allocate(held.pool);
    while (block == nullptr) {
      EXPECT(errno == ENOMEM && ++refused < 10);
      usleep(1'100'000);  // for a second nobody waits any more
      block = held.api.allocate(held.pool);
    }
    held.add(memset(block, 1, kBlock));
  }
  EXPECT_FOR(refused, held.calls > 1 && refused <= held.calls / 2);
  EXPECT(pressure.unsubscribe(number) == 0);
}

void aborted() {
  const PoolApi api;
  int status = 0;
  const std::string text = told_by([&] {
    status =
        status_of_child([&] { take_all(api, make_pool(api, "last", kBlock, pool_options())); });
  });
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  EXPECT(text.find("hard_limit_action:abort: 233472 bytes were wanted") != std::string::npos);
}

constexpr Part kParts[] = {
    {"purge", purge},     {"keeps", keeps}, {"heaps", heaps},
    {"denied", denied},   {"eased", eased}, {"subscribers", subscribers},
    {"aborted", aborted},
};

}  // namespace

int main(int count, char** values) {
  expect::on_lunalloc();
  EXPECT(count == 2 && run_part(kParts, values[1]));
  return 0;
}
