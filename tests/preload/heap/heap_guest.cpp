// SPDX-License-Identifier: MIT
// Heaps of the program's own: what they promise, one part a run. Some parts end by a signal on
// purpose; heap_test.py says which.
//
// Usage: heap_guest PART
#include "blocks.hpp"
#include "expect.hpp"
#include "heap_api.hpp"
#include "measure.hpp"
#include "parts.hpp"

#include <pthread.h>
#include <sys/wait.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace heap;

// Of each kind of memory: blocks of slabs, listed runs, runs, spans.
constexpr std::size_t kSizes[] = {1, 16, 100, 1000, 5000, 30000, 70000, 300000, 3 * kMiB};

void blocks() {
  luna_heap* one = made("one");
  luna_heap* two = made("two");
  std::vector<unsigned char*> kept;
  for (const std::size_t size : kSizes) {
    auto* block = static_cast<unsigned char*>(heap_malloc(one, size));
    auto* other = static_cast<unsigned char*>(heap_malloc(two, size));
    EXPECT_FOR(size, block != nullptr && other != nullptr && block != other);
    memset(block, 1, size);
    memset(other, 2, size);
    EXPECT_FOR(size, block[0] == 1 && block[size - 1] == 1);
    EXPECT_FOR(size, heap_of(block) == one && heap_of(other) == two);
    kept.push_back(block);
    free(other);
  }
  EXPECT(heap_of(malloc(10)) == nullptr && heap_of(&kept) == nullptr);
  EXPECT(std::string(heap_name(one)) == "one");
  const luna_heap_stats full = stats(one);
  EXPECT(full.live_blocks == std::size(kSizes) && full.live_bytes >= 3 * kMiB + 400000);
  EXPECT(full.resident_bytes >= 3 * kMiB && full.used_bytes >= full.live_bytes - 8 * kKiB);
  EXPECT(stats(two).live_blocks == 0);
  for (unsigned char* block : kept) free(block);
  EXPECT(stats(one).live_blocks == 0 && stats(one).live_bytes == 0);
  heap_trim(one);
  EXPECT(stats(one).used_bytes == 0 && stats(one).resident_bytes == 0);
}

void other_calls() {
  luna_heap* own = made("own");
  auto* zeros = static_cast<unsigned char*>(heap_calloc(own, 100, 100));
  for (std::size_t i = 0; i < 10000; ++i) EXPECT_FOR(i, zeros[i] == 0);
  for (std::size_t alignment = 16; alignment <= 4 * kMiB; alignment *= 2) {
    void* block = heap_aligned_alloc(own, alignment, 100);
    EXPECT_FOR(alignment, block != nullptr && heap_of(block) == own);
    EXPECT_FOR(alignment, reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
    free(block);
  }
  EXPECT(heap_aligned_alloc(own, 48, 100) == nullptr && errno == EINVAL);
  // A block stays in its heap, however it grows and shrinks, and by whomever.
  auto* block = static_cast<unsigned char*>(heap_malloc(own, 10));
  block[0] = 77;
  for (const std::size_t size : {100UL, 5000UL, 200000UL, 8 * kMiB, 16 * kMiB, 50000UL, 20UL}) {
    block = static_cast<unsigned char*>(size % 100 != 0 ? realloc(block, size)
                                                        : heap_realloc(own, block, size));
    EXPECT_FOR(size, block != nullptr && block[0] == 77 && heap_of(block) == own);
    block[size - 1] = 1;
  }
  void* foreign = malloc(10);
  EXPECT(heap_realloc(own, foreign, 100) == nullptr && errno == EINVAL);
  EXPECT(heap_realloc(own, block, 0) == nullptr);
  free(foreign);
  free(zeros);
  EXPECT(stats(own).live_blocks == 0);
  // Without waiting: of what is at hand.
  EXPECT(heap_try_malloc(own, 100 * kKiB) == nullptr && errno == EAGAIN);
  free(heap_malloc(own, 64));
  void* at_hand = heap_try_malloc(own, 64);
  EXPECT(at_hand != nullptr && heap_of(at_hand) == own);
  free(at_hand);
}

// Fills the heap with blocks of one size; returns them.
std::vector<void*> fill(luna_heap* of, std::size_t size, std::size_t most = SIZE_MAX) {
  std::vector<void*> result;
  while (result.size() < most) {
    void* block = heap_malloc(of, size);
    if (block == nullptr) break;
    memset(block, 1, size);
    result.push_back(block);
  }
  return result;
}
void free_all(const std::vector<void*>& blocks) {
  for (void* block : blocks) free(block);
}

void limit() {
  for (const std::uint64_t flags : {0U, LUNA_HEAP_EXACT}) {
    for (const std::size_t size : {16UL, 100UL, 1000UL, 20000UL, 100000UL, 3 * kMiB}) {
      luna_heap* own = made("limited", 20 * kMiB, flags);
      const std::vector<void*> held = fill(own, size);
      EXPECT(errno == ENOMEM);
      const luna_heap_stats full = stats(own);
      EXPECT_FOR(size, full.used_bytes <= 20 * kMiB && full.peak_bytes <= 20 * kMiB);
      // Denied early by no more than a class and a thread may hold back: exactly: by nothing.
      const std::size_t slack = flags != 0 ? 0 : 64 * kKiB;
      EXPECT_FOR(size, full.used_bytes + size + size / 8 + slack + 4 * kKiB > 20 * kMiB);
      EXPECT(full.denied == 1);
      free(held.back());
      void* again = heap_malloc(own, size);
      EXPECT_FOR(size, again != nullptr);
      free(again);
      for (std::size_t i = 0; i + 1 < held.size(); ++i) free(held[i]);
      heap_trim(own);
      EXPECT_FOR(size, stats(own).used_bytes == 0);
      heap_set_limit(own, 40 * kMiB);
      free_all(fill(own, size, 25 * kMiB / size));
      EXPECT_FOR(size, stats(own).peak_bytes > 22 * kMiB);
      EXPECT(heap_destroy(own) == 0);
    }
  }
}

void tree() {
  luna_heap* root = made("root", 10 * kMiB);
  luna_heap_options below = options("below", 8 * kMiB);
  below.parent = root;
  luna_heap* left = made(below);
  luna_heap* right = made(below);
  const std::vector<void*> of_left = fill(left, 1000);
  EXPECT(stats(left).used_bytes > 7 * kMiB && stats(root).used_bytes == stats(left).used_bytes);
  const std::vector<void*> of_right = fill(right, 1000);
  EXPECT(stats(right).used_bytes < 3 * kMiB && stats(root).used_bytes <= 10 * kMiB);
  EXPECT(heap_destroy(root) == EBUSY && stats(root).children == 2);
  EXPECT(heap_destroy(left) == 0);
  EXPECT(stats(root).used_bytes == stats(right).used_bytes);
  free_all(of_right);
  EXPECT(heap_destroy(right) == 0);
  EXPECT(stats(root).used_bytes == 0 && stats(root).children == 0);
  EXPECT(heap_destroy(root) == 0);
}

struct Seen {
  std::vector<void*>* held;
  int denied = 0;
  int soft = 0;
};

// Frees three blocks for the first three times that it is called.
int on_denial(luna_heap* of, std::size_t bytes, void* context) {
  auto* seen = static_cast<Seen*>(context);
  EXPECT(bytes == 100000 && std::string(heap_name(of)) == "asks");
  if (++seen->denied > 3) return 0;
  free(seen->held->back());
  seen->held->pop_back();
  return 1;
}
void on_soft_limit(luna_heap*, std::uint64_t used, void* context) {
  EXPECT(used > 5 * kMiB);
  ++static_cast<Seen*>(context)->soft;
}

void callbacks() {
  std::vector<void*> held;
  Seen seen{&held};
  luna_heap_options asks = options("asks", 10 * kMiB);
  asks.denial = LUNA_HEAP_CALLS;
  asks.on_denial = &on_denial;
  asks.soft_limit_bytes = 5 * kMiB;
  asks.on_soft_limit = &on_soft_limit;
  asks.context = &seen;
  luna_heap* own = made(asks);
  while (void* block = heap_malloc(own, 100000)) held.push_back(block);
  EXPECT(seen.denied == 4 && seen.soft == 1 && stats(own).denied == 4);
  free_all(held);
  heap_trim(own);
  free_all(fill(own, 200000, 30));
  EXPECT(seen.soft == 2);
}

void reserve() {
  luna_heap_options kept = options("kept", 10 * kMiB);
  kept.reserve_bytes = 1 * kMiB;
  luna_heap* own = made(kept);
  std::vector<void*> held = fill(own, 100000);
  EXPECT(stats(own).used_bytes <= 9 * kMiB);
  const std::vector<void*> more = fill(own, 100000);  // the error path
  EXPECT(more.size() >= 9 && stats(own).used_bytes <= 10 * kMiB);
  free_all(more);
  for (int i = 0; i < 10; ++i) {
    free(held.back());
    held.pop_back();
  }
  heap_trim(own);
  fill(own, 100000);
  EXPECT(stats(own).used_bytes <= 9 * kMiB + 64 * kKiB);
}

void aborts() {
  luna_heap_options hard = options("hard", 1 * kMiB);
  hard.denial = LUNA_HEAP_ABORTS;
  fill(made(hard), 1000);
}

void wipes() {
  luna_heap* own = made("wiped", 0, LUNA_HEAP_WIPES);
  for (const std::size_t size : {100UL, 5000UL, 100000UL}) {
    auto* block = static_cast<volatile unsigned char*>(heap_malloc(own, size));
    for (std::size_t i = 0; i < size; ++i) block[i] = 0xaa;
    free(const_cast<unsigned char*>(block));
    for (std::size_t i = 16; i < size; ++i) EXPECT_FOR(i, block[i] == 0);
  }
}

// What stays when many threads allocate and free in many heaps, each for others too.
void many_threads() {
  constexpr std::size_t kHeaps = 64;
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kLimit = 3 * kMiB;
  const char* wanted = getenv("LUNA_HEAP_SECONDS");
  const int seconds = wanted != nullptr ? atoi(wanted) : 2;
  std::vector<luna_heap*> heaps;
  for (std::size_t i = 0; i < kHeaps; ++i)
    heaps.push_back(made("busy", kLimit, i % 4 == 0 ? LUNA_HEAP_EXACT : 0));
  std::atomic<void*> shelf[1024] = {};
  std::atomic<bool> ends{false};
  std::atomic<std::size_t> operations{0};
  const auto work = [&](std::size_t seed) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    std::size_t count = 0;
    while (!ends.load(std::memory_order_relaxed)) {
      luna_heap* own = heaps[random() % kHeaps];
      const std::size_t size = random() % 16 == 0 ? random() % 100000 : random() % 800;
      void* block = heap_malloc(own, size);
      if (block != nullptr) memset(block, static_cast<int>(seed), size);
      if (block != nullptr && random() % 8 == 0) {
        void* resized = realloc(block, random() % 2000 + 1);
        if (resized != nullptr) block = resized;
      }
      if (block != nullptr) EXPECT(heap_of(block) == own);
      free(shelf[random() % std::size(shelf)].exchange(block));
      if (++count % 1000 == 0) EXPECT(stats(own).used_bytes <= kLimit);
    }
    operations += count;
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(work, i + 1);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  ends = true;
  for (std::thread& thread : threads) thread.join();
  for (auto& place : shelf) free(place.exchange(nullptr));
  for (std::size_t i = 0; i < kHeaps; ++i) {
    heap_trim(heaps[i]);
    const luna_heap_stats at_end = stats(heaps[i]);
    EXPECT_FOR(i, at_end.live_blocks == 0 && at_end.live_bytes == 0);
    EXPECT_FOR(i, at_end.used_bytes == 0 && at_end.peak_bytes <= kLimit);
    EXPECT(heap_destroy(heaps[i]) == 0);
  }
  printf("%zu operations\n", operations.load());
}

void destroy() {
  const char* wanted = getenv("LUNA_HEAP_BLOCKS");
  const std::size_t count = wanted != nullptr ? strtoull(wanted, nullptr, 10) : 500'000;
  const std::size_t before = measure::resident_bytes();
  luna_heap* own = made("large");
  for (std::size_t i = 0; i < count; ++i) *static_cast<std::size_t*>(heap_malloc(own, 64)) = i;
  static_cast<void>(heap_malloc(own, 5 * kMiB));
  EXPECT(stats(own).live_blocks == count + 1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT(heap_destroy(own) == 0);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  printf("%zu blocks in %.1f ms\n", count, took.count());
  EXPECT(measure::resident_bytes() < before + 2 * kMiB + count * 64 / 50);
  luna_heap* next = made("next");
  EXPECT(stats(next).live_blocks == 0 && stats(next).resident_bytes == 0);
}

// Others hold caches of the heap, and free into it while it goes, and a little later.
void destroy_busy() {
  for (int round = 0; round < 30; ++round) {
    luna_heap* own = made("shared");
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        std::vector<void*> blocks = fill(own, 64, 5000);
        for (std::size_t k = 0; k < 200; ++k) blocks.push_back(heap_malloc(own, 20000));
        ++ready;
        for (void* block : blocks) free(block);
        void* of_all = malloc(64);
        EXPECT(of_all != nullptr && heap_of(of_all) == nullptr);
        free(of_all);
      });
    }
    while (ready < 4) std::this_thread::yield();
    EXPECT((round % 2 == 0 ? heap_destroy(own) : heap_reset(own)) == 0);
    for (std::thread& thread : threads) thread.join();
    if (round % 2 == 0) continue;
    EXPECT(stats(own).live_blocks == 0);
    free(heap_malloc(own, 64));
    EXPECT(heap_destroy(own) == 0);
  }
}

void enter() {
  luna_heap* outer = made("outer");
  luna_heap* inner = made("inner");
  std::atomic<bool> entered{false};
  std::atomic<bool> looked{false};
  std::thread other([&] {
    while (!entered) std::this_thread::yield();
    EXPECT(heap_of(std::make_unique<int[]>(100).get()) == nullptr);
    looked = true;
  });
  void* before = malloc(100);
  luna_heap* all = heap_enter(outer);
  EXPECT(all == nullptr);
  void* first = malloc(100);
  void* zeros = calloc(10, 10);
  void* aligned = aligned_alloc(64, 640);
  luna_heap* last = heap_enter(inner);
  EXPECT(last == outer);
  auto* text = new std::string(1000, 'x');
  EXPECT(heap_of(text) == inner && heap_of(text->data()) == inner);
  EXPECT(heap_destroy(inner) == EBUSY && heap_reset(outer) == EBUSY);
  free(before);
  delete text;
  heap_leave(last);
  void* second = malloc(100000);
  EXPECT(heap_of(first) == outer && heap_of(zeros) == outer && heap_of(aligned) == outer);
  EXPECT(heap_of(second) == outer);
  entered = true;
  while (!looked) std::this_thread::yield();
  heap_leave(all);
  other.join();
  for (int i = 0; i < 1000; ++i) {
    void* plain = malloc(100);
    EXPECT(heap_of(plain) == nullptr);
    free(plain);
  }
  for (void* block : {first, zeros, aligned, second}) free(block);
  EXPECT(stats(outer).live_blocks == 0 && stats(inner).live_blocks == 0);
  EXPECT(heap_destroy(inner) == 0 && heap_destroy(outer) == 0);
}

void fork_within() {
  luna_heap* own = made("inherited", 50 * kMiB);
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!ends) free_all(fill(own, 200, 100));
    });
  void* held = heap_malloc(own, 100);
  for (int i = 0; i < 50; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      free(held);
      free_all(fill(own, 200, 2000));
      luna_heap* fresh = made("fresh");
      free_all(fill(fresh, 200, 2000));
      if (heap_destroy(own) != 0 || heap_destroy(fresh) != 0) _exit(1);
      _exit(0);
    }
    int status = -1;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
}

void protect() {
  luna_heap* own = made("secrets");
  auto* block = static_cast<unsigned char*>(heap_malloc(own, 100));
  auto* freed = static_cast<unsigned char*>(heap_malloc(own, 100));
  void* large = heap_malloc(own, 100000);
  block[0] = 42;
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  EXPECT(block[0] == 42);
  EXPECT(heap_malloc(own, 100) == nullptr && errno == EACCES);
  free(freed);
  free(large);
  EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(stats(own).live_blocks == 1);
  block[0] = 43;
  EXPECT(heap_protect(own, LUNA_HEAP_NO_ACCESS) == 0);
  luna_heap_access unknown = LUNA_HEAP_READ;
  memset(&unknown, 7, sizeof unknown);
  EXPECT(heap_protect(own, unknown) == EINVAL);
  pthread_setname_np(pthread_self(), "intruder");
  *static_cast<volatile unsigned char*>(block) = 44;
}

void transfer() {
  luna_heap* from = made("from");
  luna_heap* to = made("to", 1 * kMiB);
  for (luna_heap* target : {to, static_cast<luna_heap*>(nullptr), from}) {
    void* block = heap_malloc(from, 1000);
    memset(block, 9, 1000);
    luna_transfer how = LUNA_TRANSFER_NONE;
    EXPECT(block_transfer(&block, target, &how) == 0);
    EXPECT(heap_of(block) == target && static_cast<char*>(block)[999] == 9);
    EXPECT(how == (target == from ? LUNA_TRANSFER_NONE : LUNA_TRANSFER_COPIED));
    free(block);
  }
  void* large = heap_malloc(from, 2 * kMiB);
  void* before = large;
  EXPECT(block_transfer(&large, to, nullptr) == ENOMEM && large == before);
  int here = 0;
  void* no_block = &here;
  EXPECT(block_transfer(&no_block, to, nullptr) == EINVAL);
  EXPECT(block_transfer(nullptr, to, nullptr) == EINVAL);
  free(large);
  EXPECT(stats(from).live_blocks == 0 && stats(to).live_blocks == 0);
}

void lists() {
  luna_heap* made_here[20];
  for (luna_heap*& each : made_here) each = made("one of many");
  luna_heap* found[30] = {};
  EXPECT(heap_list(found, 30) == 20 && heap_list(nullptr, 0) == 20);
  EXPECT(heap_list(found, 5) == 20);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_FOR(i, found[i] == made_here[i]);
  free_all({heap_malloc(made_here[3], 10)});
  void* held = heap_malloc(made_here[3], 1000);
  luna_class_stats rows[128];
  const std::size_t count = heap_classes(made_here[3], rows, 128);
  EXPECT(count >= 1 && count <= 2 && rows[count - 1].block_bytes == 1024);
  EXPECT(rows[count - 1].slabs == 1 && rows[count - 1].used_blocks >= 1);
  free(held);
  for (luna_heap* each : made_here) EXPECT(heap_destroy(each) == 0);
  EXPECT(heap_list(found, 30) == 0);
}

// The statistics of the process count what is in heaps, and know where all of it is.
void statistics() {
  static auto* const read = find<decltype(luna_stats_detail_read)>("luna_stats_detail_read");
  const auto now = [] {
    luna_stats_detail result{};
    result.struct_size = sizeof result;
    EXPECT(read(&result, LUNA_STATS_RESIDENT) == 0);
    return result;
  };
  const luna_stats_detail before = now();
  luna_heap* own = made("counted");
  luna_heap* gone = made("gone");
  fill(gone, 1000, 20000);
  EXPECT(heap_destroy(gone) == 0);
  fill(own, 1000, 20000);
  static_cast<void>(fill(own, 4 * kMiB, 2));
  const luna_stats_detail after = now();
  EXPECT(after.live_blocks >= before.live_blocks + 20002);
  EXPECT(after.live_bytes >= before.live_bytes + 28 * 1000 * 1000);
  EXPECT(after.resident_bytes >= before.resident_bytes + 28 * 1000 * 1000);
  EXPECT(after.resident_bytes < before.resident_bytes + 32 * 1000 * 1000);
  const std::uint64_t more = std::max(after.accounted_bytes, after.resident_bytes);
  const std::uint64_t less = std::min(after.accounted_bytes, after.resident_bytes);
  EXPECT(more - less <= after.resident_bytes / 50 + 64 * kKiB);
  EXPECT(heap_destroy(own) == 0);
}

void mistakes() {
  luna_heap_options bad = options("a");
  bad.struct_size = 8;
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options(nullptr);
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("");
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  const std::string longest(LUNA_HEAP_NAME_BYTES - 1, 'n');
  const std::string longer(LUNA_HEAP_NAME_BYTES, 'n');
  bad = options(longer.c_str());
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("a", 0, 1024);
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("a");
  bad.denial = LUNA_HEAP_CALLS;
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  bad = options("a", 1000);
  bad.reserve_bytes = 1000;
  EXPECT(heap_create(&bad) == nullptr && errno == EINVAL);
  EXPECT(heap_create(nullptr) == nullptr && errno == EINVAL);
  EXPECT(std::string(heap_name(made(longest.c_str()))) == longest);
  luna_heap_stats stats{};
  EXPECT(heap_stats_read(made("b"), &stats) == EINVAL);
  std::vector<luna_heap*> all;
  const luna_heap_options many = options("many");
  while (luna_heap* one = heap_create(&many)) all.push_back(one);
  EXPECT(errno == ENOSPC && all.size() == LUNA_HEAPS - 2);
  for (luna_heap* one : all) EXPECT(heap_destroy(one) == 0);
}

void twice() {
  luna_heap* own = made("twice");
  void* block = heap_malloc(own, 100);
  void* other = heap_malloc(own, 100);
  free(block);
  free(other);
  free(block);
  heap_trim(own);
  heap_trim(own);
}

constexpr Part kParts[] = {
    {"blocks", blocks},
    {"other_calls", other_calls},
    {"limit", limit},
    {"tree", tree},
    {"callbacks", callbacks},
    {"reserve", reserve},
    {"aborts", aborts},
    {"wipes", wipes},
    {"many_threads", many_threads},
    {"destroy", destroy},
    {"destroy_busy", destroy_busy},
    {"enter", enter},
    {"fork", fork_within},
    {"protect", protect},
    {"transfer", transfer},
    {"lists", lists},
    {"statistics", statistics},
    {"mistakes", mistakes},
    {"twice", twice},
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  if (!run_part(kParts, arguments[1])) return 2;
  puts("done");
  return 0;
}
