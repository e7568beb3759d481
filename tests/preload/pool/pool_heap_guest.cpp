// SPDX-License-Identifier: MIT
// Pools in heaps of the program's own: what counts, what is denied, and how they end.
//
// Usage: pool_heap_guest PART
#include "child.hpp"
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"
#include "pool_api.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

using heap::kMiB;

constexpr std::size_t kBlocks = 4032;  // of 64 bytes, in a chunk
constexpr std::uint64_t kChunk = 256 << 10;

[[nodiscard]] luna_pool* pool_of(const PoolApi& api, luna_heap* of, std::uint64_t max_blocks = 0) {
  luna_pool_options options = pool_options(max_blocks);
  options.heap = of;
  return make_pool(api, "in a heap", 64, options);
}

// All blocks that can be had, written to.
std::vector<void*> take_all(const PoolApi& api, luna_pool* pool) {
  std::vector<void*> blocks;
  while (blocks.size() < 10 * kBlocks) {
    void* block = api.allocate(pool);
    if (block == nullptr) break;
    blocks.push_back(memset(block, 1, 64));
  }
  return blocks;
}

// Of the heap, and of none: the tables of the pool are not in the heap.
void counts() {
  const PoolApi api;
  luna_heap* own = heap::made("counts");
  luna_heap_options below = heap::options("below");
  below.parent = own;
  luna_heap* child = heap::made(below);
  luna_pool* pool = pool_of(api, child, 4 * kBlocks);
  const std::uint64_t unused = heap::stats(child).resident_bytes;
  EXPECT(heap::stats(own).used_bytes == 0);
  const std::vector<void*> blocks = take_all(api, pool);
  EXPECT(blocks.size() == 4 * kBlocks);
  const luna_heap_stats now = heap::stats(child);
  EXPECT(now.used_bytes == 4 * kChunk && heap::stats(own).used_bytes == 4 * kChunk);
  EXPECT(now.live_bytes == 4 * kChunk && now.live_blocks == 4);
  EXPECT(now.resident_bytes - unused == usage_of(api, pool).resident_bytes);
  EXPECT(heap::heap_of(blocks.front()) == child && api.of(blocks.back()) == pool);
  for (void* block : blocks) EXPECT(api.deallocate(pool, block) == 0);
  EXPECT(api.trim(pool) == 4 * kChunk);
  EXPECT(heap::stats(own).used_bytes == 0 && heap::stats(child).live_blocks == 0);
  EXPECT(api.destroy(pool) == 0 && heap::heap_destroy(child) == 0);
  luna_pool_options gone = pool_options();
  gone.heap = child;
  EXPECT(api.create("gone", 64, &gone, &pool) == EINVAL);
  gone.heap = heap::made("keyed", 0, LUNA_HEAP_KEY);
  EXPECT(api.create("keyed", 64, &gone, &pool) == ENOTSUP);
}

// To the byte, and what the heap hands out itself counts too.
void limit() {
  const PoolApi api;
  for (const std::uint64_t flags : {0U, LUNA_HEAP_EXACT}) {
    luna_heap* own = heap::made("limited", 4 * kChunk, flags);
    luna_pool* pool = pool_of(api, own);
    errno = 0;
    EXPECT_FOR(flags, take_all(api, pool).size() == 4 * kBlocks && errno == ENOMEM);
    EXPECT(heap::stats(own).used_bytes == 4 * kChunk && heap::stats(own).denied == 1);
    EXPECT(usage_of(api, pool).denied == 1);
    EXPECT(heap::heap_malloc(own, 64) == nullptr);
    heap::heap_set_limit(own, 5 * kChunk - 1);
    EXPECT_FOR(flags, api.allocate(pool) == nullptr);
    heap::heap_set_limit(own, 5 * kChunk);
    EXPECT_FOR(flags, take_all(api, pool).size() == kBlocks);
    luna_pool_options all = pool_options(kBlocks);
    all.heap = own;
    all.auto_expand = 0;
    luna_pool* none = nullptr;
    EXPECT(api.create("none", 64, &all, &none) == ENOMEM && none == nullptr);
    EXPECT(heap::heap_destroy(own) == 0);
  }
}

struct Asked {
  luna_heap* heap = nullptr;
  int denied = 0;
  int large = 0;
};

// Twice there is help.
int on_denial(luna_heap* of, std::size_t bytes, void* context) {
  auto* asked = static_cast<Asked*>(context);
  EXPECT(of == asked->heap && bytes == kChunk);
  free(malloc(100));  // no lock is held
  if (++asked->denied > 2) return 0;
  heap::heap_set_limit(of, static_cast<std::uint64_t>(asked->denied + 1) * kChunk);
  return 1;
}
void on_soft_limit(luna_heap*, std::uint64_t used, void* context) {
  EXPECT(used == 2 * kChunk);
  ++static_cast<Asked*>(context)->large;
}

void callbacks() {
  const PoolApi api;
  Asked asked;
  luna_heap_options options = heap::options("asks", kChunk);
  options.denial = LUNA_HEAP_CALLS;
  options.on_denial = &on_denial;
  options.soft_limit_bytes = kChunk;
  options.on_soft_limit = &on_soft_limit;
  options.context = &asked;
  asked.heap = heap::made(options);
  luna_pool* pool = pool_of(api, asked.heap);
  EXPECT(take_all(api, pool).size() == 3 * kBlocks);
  EXPECT(asked.denied == 3 && asked.large == 1);
  EXPECT(heap::stats(asked.heap).denied == 3 && usage_of(api, pool).denied == 1);
}

void abort_at_limit() {
  const PoolApi api;
  luna_heap_options options = heap::options("hard", kChunk);
  options.denial = LUNA_HEAP_ABORTS;
  luna_pool* pool = pool_of(api, heap::made(options));
  int status = 0;
  const std::string text = told_by([&] { status = status_of_child([&] { take_all(api, pool); }); });
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  EXPECT(text ==
         "lunalloc: heap \"hard\" is denied 262144 bytes: it uses 262144 of 262144 bytes\n");
}

void protected_heap() {
  const PoolApi api;
  luna_heap* own = heap::made("closed");
  luna_pool* pool = pool_of(api, own);
  auto* block = static_cast<char*>(api.allocate(pool));
  void* freed = api.allocate(pool);
  EXPECT(heap::heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  errno = 0;
  EXPECT(api.allocate(pool) == nullptr && errno == EACCES);
  EXPECT(api.deallocate(pool, freed) == 0);
  int status = 0;
  const std::string text =
      told_by([&] { status = status_of_child([&] { *expect::opaque(block) = 1; }); });
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  EXPECT(text.find("heap \"closed\" is protected") != std::string::npos);
  EXPECT(heap::heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(api.allocate(pool) == freed);
  EXPECT(heap::heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  EXPECT(api.destroy(pool) == 0 && heap::stats(own).used_bytes == 0);
  luna_pool_options all = pool_options(10);
  all.heap = own;
  all.auto_expand = 0;
  EXPECT(api.create("none", 64, &all, &pool) == EACCES);
  EXPECT(heap::heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(take_all(api, pool_of(api, own, 2 * kBlocks)).size() == 2 * kBlocks);
}

// The end of the heap is that of the pool: what is freed afterwards is ignored, without a word.
void ends(int (*end)(luna_heap*)) {
  const PoolApi api;
  luna_heap* own = heap::made("ends");
  luna_pool* pool = pool_of(api, own);
  luna_pool* other = make_pool(api, "other", 64, pool_options());
  void* block = api.allocate(pool);
  EXPECT(end(own) == 0);
  luna_pool* found[3] = {};
  std::size_t count = 3;
  EXPECT(api.list(found, &count) == 0 && count == 1 && found[0] == other);
  EXPECT(api.of(block) == nullptr);
  EXPECT(told_by([&] { EXPECT(api.deallocate(pool, block) == 0); }).empty());
  EXPECT(api.destroy(pool) == 0);
  EXPECT(api.destroy(other) == 0);
}

void reset() {
  const PoolApi api;
  ends(heap::heap_reset);
  luna_heap* own = heap::made("again", kChunk);
  EXPECT(take_all(api, pool_of(api, own)).size() == kBlocks);
  EXPECT(heap::heap_reset(own) == 0);
  EXPECT(heap::stats(own).used_bytes == 0);
  EXPECT(take_all(api, pool_of(api, own)).size() == kBlocks);
}

// While a thread has entered the heap neither it nor the pool ends.
void destroy() {
  const PoolApi api;
  ends(heap::heap_destroy);
  luna_heap* own = heap::made("entered");
  luna_pool* pool = pool_of(api, own);
  void* block = api.allocate(pool);
  luna_heap* before = heap::heap_enter(own);
  EXPECT(heap::heap_destroy(own) == EBUSY && heap::heap_reset(own) == EBUSY);
  heap::heap_leave(before);
  EXPECT(api.deallocate(pool, block) == 0 && api.allocate(pool) == block);
  EXPECT(heap::heap_destroy(own) == 0);
}

void frees_beside() {
  const PoolApi api;
  for (int round = 0; round < 300; ++round) {
    luna_heap* own = heap::made("short", 0, round % 2 != 0 ? LUNA_HEAP_WIPES : 0);
    luna_pool* pool = pool_of(api, own, 500);
    const std::vector<void*> blocks = take_all(api, pool);
    std::atomic<int> freed{0};
    std::thread other([&] {
      for (void* block : blocks) {
        EXPECT(api.deallocate(pool, block) == 0);
        ++freed;
      }
    });
    while (freed < round) std::this_thread::yield();
    EXPECT(heap::heap_destroy(own) == 0);
    other.join();
  }
}

void plain_free() {
  const PoolApi api;
  for (const std::uint64_t flags : {0U, LUNA_HEAP_EXACT, LUNA_HEAP_WIPES}) {
    luna_pool* pool = pool_of(api, heap::made("plain", 0, flags));
    void* block = api.allocate(pool);
    int status = 0;
    const std::string text =
        told_by([&] { status = status_of_child([&] { free(expect::opaque(block)); }); });
    EXPECT_FOR(flags, WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    EXPECT_FOR(flags, text.find("interior pointer") != std::string::npos);
  }
}

// A copy, as all is.
void in_fork() {
  const PoolApi api;
  luna_heap* own = heap::made("copied", 2 * kChunk);
  luna_pool* pool = pool_of(api, own);
  void* block = api.allocate(pool);
  const int status = status_of_child([&] {
    EXPECT(take_all(api, pool).size() == 2 * kBlocks - 1);
    EXPECT(heap::heap_destroy(own) == 0);
    EXPECT(api.deallocate(pool, block) == 0);
  });
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT(usage_of(api, pool).used_blocks == 1 && api.deallocate(pool, block) == 0);
}

constexpr Part kParts[] = {
    {"counts", counts},
    {"limit", limit},
    {"callbacks", callbacks},
    {"abort", abort_at_limit},
    {"protected_heap", protected_heap},
    {"reset", reset},
    {"destroy", destroy},
    {"frees_beside", frees_beside},
    {"plain_free", plain_free},
    {"fork", in_fork},
};

}  // namespace

int main(int count, char** values) {
  expect::on_lunalloc();
  EXPECT(count == 2 && run_part(kParts, values[1]));
  return 0;
}
