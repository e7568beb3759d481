// SPDX-License-Identifier: MIT
// Does with pools what lunalloc/pool.h promises, and what it tells of as a mistake. Where they meet
// queues, threads, handlers and forks: pool_moments_guest.cpp.
//
// Usage: pool_guest PART
#include "child.hpp"
#include "expect.hpp"
#include "parts.hpp"
#include "pool_api.hpp"

#include <lunalloc/stats.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

[[nodiscard]] luna_stats_detail statistics() {
  const auto read = find<decltype(luna_stats_detail_read)>("luna_stats_detail_read");
  luna_stats_detail detail{};
  detail.struct_size = sizeof detail;
  EXPECT(read(&detail, LUNA_STATS_RESIDENT) == 0);
  return detail;
}

// All blocks that there may be, written to, and one more.
void bound() {
  const PoolApi api;
  luna_pool* const pool = make_pool(api, "bound", 100, pool_options(10'000));
  std::vector<void*> blocks;
  errno = 4711;
  while (void* const block = api.allocate(pool)) {
    memset(block, 1, 100);
    blocks.push_back(block);
  }
  EXPECT(errno == 4711);
  EXPECT(blocks.size() == 10'000);
  const luna_pool_usage full = usage_of(api, pool);
  EXPECT(full.block_bytes == 100);
  EXPECT(full.used_blocks == 10'000 && full.peak_blocks == 10'000 && full.capacity == 10'000);
  EXPECT(full.denied == 1);
  EXPECT(full.resident_bytes >= 1'000'000 && full.resident_bytes <= full.chunk_bytes);
  for (void* const block : blocks) EXPECT(api.deallocate(pool, block) == 0);
  EXPECT(api.deallocate(pool, nullptr) == 0);
  EXPECT(api.trim(pool) == full.chunk_bytes);
  EXPECT(usage_of(api, pool).chunk_bytes == 0);
  EXPECT(api.destroy(pool) == 0);
}

// Chunks are large blocks in the books, which still agree with the kernel.
void statistics_agree() {
  const PoolApi api;
  const luna_stats_detail before = statistics();
  luna_pool* const pool = make_pool(api, "counted", 1000, pool_options());
  for (int i = 0; i < 20'000; ++i) {
    void* const block = api.allocate(pool);
    EXPECT(block != nullptr);
    memset(block, 1, 1000);
  }
  const luna_pool_usage usage = usage_of(api, pool);
  const luna_stats_detail during = statistics();
  EXPECT(during.large_bytes >= before.large_bytes + usage.chunk_bytes);
  EXPECT(during.large_bytes <= before.large_bytes + usage.chunk_bytes + (1 << 20));
  EXPECT(during.resident_large_bytes >= before.resident_large_bytes + usage.resident_bytes);
  EXPECT(usage.resident_bytes >= 20'000'000);
  EXPECT(during.resident_bytes == during.accounted_bytes);
  EXPECT(api.destroy(pool) == 0);
  EXPECT(statistics().large_bytes <= before.large_bytes);
}

void options() {
  const PoolApi api;
  const luna_pool_options sound = pool_options(10);
  luna_pool* pool = nullptr;
  luna_pool_options wrong = sound;
  const auto refused = [&](const char* name, std::size_t bytes) {
    return api.create(name, bytes, &wrong, &pool) == EINVAL && pool == nullptr;
  };
  EXPECT(refused(nullptr, 10));
  EXPECT(refused("none", 0));
  EXPECT(refused("too large", SIZE_MAX));
  EXPECT(refused(std::string(LUNA_POOL_NAME_BYTES, 'x').c_str(), 10));
  wrong.struct_size = 1;
  EXPECT(refused("size", 10));
  wrong = sound;
  wrong.alignment = 48;
  EXPECT(refused("alignment", 10));
  wrong = sound;
  wrong.max_blocks = std::uint64_t{1} << 32;
  EXPECT(refused("blocks", 10));
  wrong = sound;
  wrong.heap = reinterpret_cast<luna_heap*>(&wrong);
  EXPECT(refused("heap", 10));
  wrong = sound;
  wrong.auto_expand = 0;
  wrong.reclaim_on_free = 1;
  EXPECT(refused("reclaim", 10));
  wrong.reclaim_on_free = 0;
  wrong.max_blocks = 0;
  EXPECT(refused("no bound", 10));
  EXPECT(api.create("no pool", 10, &sound, nullptr) == EINVAL);
  EXPECT(api.create("", 10, nullptr, &pool) == 0);  // as it may be without options
  luna_pool_usage usage{};
  EXPECT(api.stats(pool, &usage) == EINVAL);
  EXPECT(api.destroy(pool) == 0);
}

// Each is told of in one line, and changes nothing.
void mistakes() {
  const PoolApi api;
  luna_pool* const pool = make_pool(api, "messages", 64, pool_options());
  luna_pool* const other = make_pool(api, "orders", 64, pool_options());
  auto* const block = static_cast<char*>(api.allocate(pool));
  void* const freed = api.allocate(pool);
  void* const of_other = api.allocate(other);
  EXPECT(api.deallocate(pool, freed) == 0);
  const auto told = [&](void* pointer) {
    return told_by([&] { EXPECT(api.deallocate(pool, pointer) == EINVAL); });
  };
  char address[32];
  snprintf(address, sizeof address, "%p", of_other);
  EXPECT(told(of_other) == std::string("lunalloc: pool \"messages\": luna_pool_free() of ") +
                               address + ", not a block of it, but in pool \"orders\"; ignored\n");
  EXPECT(told(freed).ends_with(", a block that is free already; ignored\n"));
  EXPECT(told(block + 8).ends_with(", not the start of a block; ignored\n"));
  EXPECT(told(&address).ends_with(", not a block of it; ignored\n"));
  void* const of_malloc = malloc(64);
  EXPECT(told(of_malloc).ends_with(", not a block of it; ignored\n"));
  free(of_malloc);
  EXPECT(usage_of(api, pool).used_blocks == 1 && usage_of(api, other).used_blocks == 1);
  EXPECT(api.deallocate(other, of_other) == 0);
  EXPECT(api.deallocate(pool, block) == 0);
  EXPECT(api.destroy(pool) == 0 && api.destroy(other) == 0);
}

// free() and realloc() end the process, with the usual line.
void plain_free() {
  const PoolApi api;
  for (const std::size_t bytes : {24U, 4096U, 100'000U, 3U << 20}) {
    luna_pool* const pool = make_pool(api, "plain", bytes, pool_options());
    auto* block = static_cast<char*>(api.allocate(pool));
    const auto dies = [](auto function) {
      int status = 0;
      const std::string text = told_by([&] { status = status_of_child(function); });
      return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
             text.find("interior pointer") != std::string::npos;
    };
    EXPECT_FOR(bytes, dies([&] { free(expect::opaque(block)); }));
    EXPECT_FOR(bytes,
               dies([&] { block = static_cast<char*>(realloc(expect::opaque(block), 500)); }));
    EXPECT_FOR(bytes, dies([&] { free(expect::opaque(reinterpret_cast<char*>(pool))); }));
    EXPECT(api.deallocate(pool, block) == 0);
    EXPECT(api.destroy(pool) == 0);
  }
}

void enumeration() {
  const PoolApi api;
  luna_pool* found[3] = {};
  std::size_t count = 3;
  EXPECT(api.list(found, &count) == 0 && count == 0);
  luna_pool* const first = make_pool(api, "first", 64, pool_options());
  luna_pool* const second = make_pool(api, "second", 5 << 20, pool_options());
  count = 1;
  EXPECT(api.list(found, &count) == 0 && count == 2);
  EXPECT(found[0] == second && found[1] == nullptr);
  EXPECT(strcmp(api.name(second), "second") == 0);
  auto* const block = static_cast<char*>(api.allocate(second));
  EXPECT(api.of(block) == second && api.of(block + (4 << 20)) == second);
  EXPECT(api.of(api.allocate(first)) == first);
  EXPECT(api.of(&count) == nullptr && api.of(nullptr) == nullptr);
  EXPECT(api.destroy(second) == 0);
  EXPECT(api.of(block) == nullptr);
  count = 3;
  EXPECT(api.list(found, &count) == 0 && count == 1 && found[0] == first);
  EXPECT(api.destroy(first) == 0);
}

// With the option enabled off.
void disabled() {
  const PoolApi api;
  const QueueApi queues;
  luna_pool* pool = nullptr;
  luna_queue* queue = nullptr;
  EXPECT(api.create("none", 64, nullptr, &pool) == ENOTSUP && pool == nullptr);
  EXPECT(queues.create(10, &queue) == ENOTSUP && queue == nullptr);
}

constexpr Part kParts[] = {
    {"bound", bound},       {"statistics", statistics_agree}, {"options", options},
    {"mistakes", mistakes}, {"plain_free", plain_free},       {"enumeration", enumeration},
    {"disabled", disabled},
};

}  // namespace

int main(int count, char** values) {
  expect::on_lunalloc();
  EXPECT(count == 2 && run_part(kParts, values[1]));
  return 0;
}
