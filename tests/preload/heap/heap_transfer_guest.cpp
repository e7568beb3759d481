// SPDX-License-Identifier: MIT
// Blocks that go from heap to heap. For how small ones do see heap_guest.cpp.
//
// Usage: heap_transfer_guest PART
#include "blocks.hpp"
#include "expect.hpp"
#include "heap_api.hpp"
#include "measure.hpp"
#include "parts.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace {

using namespace heap;

constexpr std::size_t kLarge = 3 * kMiB + 5 * 4 * kKiB;

// Larger kernel pages are not moved: one may hold the end of a block and another one.
[[nodiscard]] luna_transfer expected(std::size_t bytes) {
  return bytes > 2 * kMiB && sysconf(_SC_PAGESIZE) == 4096 ? LUNA_TRANSFER_MOVED
                                                           : LUNA_TRANSFER_COPIED;
}

// Of a very large block only the start, so that the tests fit into little memory.
constexpr std::size_t kMostFilled = 64 * kMiB;

[[nodiscard]] void* filled(luna_heap* of, std::size_t bytes, std::size_t seed) {
  void* block = of != nullptr ? heap_malloc(of, bytes) : malloc(bytes);
  EXPECT_FOR(bytes, block != nullptr);
  blocks::fill(block, std::min(bytes, kMostFilled), seed);
  return block;
}
[[nodiscard]] bool is_filled(const void* block, std::size_t bytes, std::size_t seed) {
  return blocks::holds(block, std::min(bytes, kMostFilled), seed);
}

// What counts, without what threads and heaps keep for the next time.
[[nodiscard]] std::uint64_t used(luna_heap* of) {
  heap_trim(of);
  return stats(of).used_bytes;
}

void transfer_sizes() {
  luna_heap* one = made("one");
  luna_heap* two = made("two");
  luna_heap* const way[] = {two, nullptr, one, nullptr, two, one};
  for (const std::size_t bytes : {100 * kKiB, 1900 * kKiB, kLarge, 64 * kMiB, 1200 * kMiB}) {
    void* block = filled(one, bytes, 1);
    luna_heap* from = one;
    for (luna_heap* to : way) {
      luna_transfer how = LUNA_TRANSFER_NONE;
      void* const before = block;
      EXPECT_FOR(bytes, block_transfer(&block, to, &how) == 0);
      EXPECT_FOR(bytes, how == expected(bytes) && block != before && heap_of(block) == to);
      EXPECT_FOR(bytes, malloc_usable_size(block) >= bytes && is_filled(block, bytes, 1));
      if (from != nullptr) EXPECT_FOR(bytes, used(from) == 0 && stats(from).live_blocks == 0);
      if (to != nullptr) EXPECT_FOR(bytes, used(to) >= bytes && stats(to).live_bytes >= bytes);
      if (to != nullptr)
        EXPECT_FOR(bytes, stats(to).resident_bytes >= std::min(bytes, kMostFilled));
      from = to;
    }
    free(block);
    EXPECT_FOR(bytes, used(one) == 0 && used(two) == 0);
  }
  void* block = filled(one, kLarge, 2);
  luna_transfer how = LUNA_TRANSFER_COPIED;
  EXPECT(block_transfer(&block, one, &how) == 0 && how == LUNA_TRANSFER_NONE);
  void* grown = realloc(block, 3 * kLarge);
  EXPECT(is_filled(grown, kLarge, 2) && heap_of(grown) == one);
  free(grown);
}

// Wherever the thread allocates meanwhile.
void transfer_entered() {
  luna_heap* one = made("one");
  luna_heap* two = made("two");
  for (const std::size_t bytes : {std::size_t{100}, 100 * kKiB, kLarge}) {
    luna_heap* before = heap_enter(two);
    free(malloc(bytes));
    for (luna_heap* to : {static_cast<luna_heap*>(nullptr), one, two}) {
      void* block = filled(one, bytes, 7);
      EXPECT_FOR(bytes, block_transfer(&block, to, nullptr) == 0 && heap_of(block) == to);
      EXPECT_FOR(bytes, is_filled(block, bytes, 7));
      free(block);
    }
    void* entered = malloc(bytes);
    EXPECT_FOR(bytes, heap_of(entered) == two);
    free(entered);
    heap_leave(before);
  }
}

int raise_limit(luna_heap* of, std::size_t bytes, void* times) {
  ++*static_cast<int*>(times);
  heap_set_limit(of, 2 * bytes);
  return 1;
}

void transfer_limits() {
  luna_heap* from = made("from");
  luna_heap* to = made("to", kLarge - 1);
  void* block = filled(from, kLarge, 3);
  const void* before = block;
  const std::uint64_t used_before = stats(from).used_bytes;
  luna_transfer how = LUNA_TRANSFER_NONE;
  EXPECT(block_transfer(&block, to, &how) == ENOMEM && block == before);
  EXPECT(heap_of(block) == from && is_filled(block, kLarge, 3));
  EXPECT(stats(from).used_bytes == used_before && stats(to).used_bytes == 0);
  EXPECT(stats(to).denied == 1 && stats(to).peak_bytes < kLarge);

  heap_set_limit(to, 2 * kLarge);
  EXPECT(heap_protect(to, LUNA_HEAP_NO_ACCESS) == 0);
  EXPECT(block_transfer(&block, to, &how) == EACCES && block == before);
  EXPECT(heap_protect(to, LUNA_HEAP_READ_WRITE) == 0);
  EXPECT(block_transfer(&block, to, &how) == 0 && how == expected(kLarge));

  // Pages of a protected heap would arrive protected.
  EXPECT(heap_protect(to, LUNA_HEAP_READ) == 0);
  EXPECT(block_transfer(&block, from, &how) == 0 && how == LUNA_TRANSFER_COPIED);
  EXPECT(is_filled(block, kLarge, 3));
  memset(block, 1, kLarge);
  free(block);

  int times = 0;
  luna_heap_options asks = options("asks", kMiB);
  asks.denial = LUNA_HEAP_CALLS;
  asks.on_denial = raise_limit;
  asks.context = &times;
  luna_heap* raised = made(asks);
  block = filled(from, kLarge, 4);
  EXPECT(block_transfer(&block, raised, &how) == 0 && how == expected(kLarge) && times == 1);
  EXPECT(is_filled(block, kLarge, 4) && stats(raised).denied == 1);
  free(block);
}

// Heaps that charge blocks, that are wiped, and that have huge pages.
void transfer_kinds() {
  luna_heap* plain = made("plain");
  luna_heap* exact = made("exact", 2 * kLarge, LUNA_HEAP_EXACT);
  luna_heap* wiped = made("wiped", 0, LUNA_HEAP_WIPES | LUNA_HEAP_EXACT);
  luna_heap* huge = made("huge", 0, LUNA_HEAP_HUGE_PAGES);
  void* small = heap_malloc(exact, 100);
  const std::uint64_t rest = stats(exact).used_bytes;
  void* block = filled(plain, kLarge, 5);
  for (luna_heap* to : {exact, wiped, huge, exact, huge, wiped, plain}) {
    luna_transfer how = LUNA_TRANSFER_NONE;
    EXPECT(block_transfer(&block, to, &how) == 0 && how == expected(kLarge));
    EXPECT(is_filled(block, kLarge, 5));
    const std::uint64_t room = malloc_usable_size(block);
    EXPECT(stats(exact).used_bytes == (to == exact ? rest + room : rest));
    EXPECT(stats(wiped).used_bytes == (to == wiped ? room : 0));
  }
  heap_set_limit(exact, rest + kLarge - 1);
  EXPECT(block_transfer(&block, exact, nullptr) == ENOMEM && heap_of(block) == plain);
  EXPECT(stats(exact).used_bytes == rest);
  free(block);
  free(small);
  EXPECT(stats(exact).used_bytes == 0);
}

// A child's use counts for its parent, before and after.
void transfer_tree() {
  luna_heap* root = made("root", 3 * kLarge);
  luna_heap_options below = options("below");
  below.parent = root;
  luna_heap* one = made(below);
  luna_heap* two = made(below);
  void* block = filled(one, kLarge, 6);
  const std::uint64_t whole = stats(root).used_bytes;
  EXPECT(block_transfer(&block, two, nullptr) == 0);
  EXPECT(used(one) == 0 && used(two) == whole && stats(root).used_bytes == whole);
  // It counts for both until it has arrived.
  heap_set_limit(root, 2 * kLarge - 1);
  EXPECT(block_transfer(&block, one, nullptr) == ENOMEM && heap_of(block) == two);
  EXPECT(block_transfer(&block, nullptr, nullptr) == 0);
  EXPECT(used(two) == 0 && stats(root).used_bytes == 0);
  free(block);
}

// Nothing adds up: neither mappings nor memory.
void transfer_often() {
  luna_heap* one = made("one");
  luna_heap* two = made("two");
  void* blocks[] = {filled(one, kLarge, 0), filled(nullptr, 2 * kLarge, 1),
                    filled(two, 80 * kKiB, 2)};
  const std::size_t sizes[] = {kLarge, 2 * kLarge, 80 * kKiB};
  std::size_t mappings = 0;
  std::size_t resident = 0;
  for (int i = 0; i < 5000; ++i) {
    luna_heap* const to = i % 3 == 0 ? two : i % 3 == 1 ? nullptr : one;
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_FOR(i, block_transfer(&blocks[k], to, nullptr) == 0);
      EXPECT_FOR(i, is_filled(blocks[k], sizes[k], k));
    }
    if (i != 100) continue;
    mappings = measure::mapping_count();
    malloc_trim(0);
    resident = measure::resident_bytes();
  }
  EXPECT(measure::mapping_count() <= mappings + 10);
  malloc_trim(0);
  EXPECT(measure::resident_bytes() <= resident + 2 * kMiB);
  for (void* block : blocks) free(block);
  EXPECT(used(one) == 0 && used(two) == 0);
}

// What threads hand over to each other; where a block starts stands what it is.
struct Label {
  std::size_t bytes;
  std::size_t seed;
};
using Shelf = std::array<std::atomic<Label*>, 8>;

[[nodiscard]] Label* labelled(luna_heap* of, std::size_t bytes, std::size_t seed) {
  auto* label = static_cast<Label*>(of != nullptr ? heap_malloc(of, bytes) : malloc(bytes));
  if (label == nullptr) return nullptr;
  *label = {bytes, seed};
  blocks::fill(label + 1, bytes - sizeof *label, seed);
  return label;
}

void work(Shelf& shelf, const std::vector<luna_heap*>& heaps, std::size_t seed) {
  constexpr std::size_t kSizes[] = {200, 40 * kKiB, 700 * kKiB, kLarge, 6 * kMiB, 9 * kMiB};
  blocks::Random random(seed);
  for (std::size_t i = 0; i < 600; ++i) {
    Label* label = shelf[random.below(shelf.size())].exchange(nullptr);
    if (label == nullptr)
      label =
          labelled(heaps[random.below(heaps.size())], kSizes[random.below(std::size(kSizes))], i);
    if (label == nullptr) continue;
    luna_heap* to = heaps[random.below(heaps.size())];
    void* block = label;
    const int error = block_transfer(&block, to, nullptr);
    EXPECT_FOR(i, (error == 0 && heap_of(block) == to) || (error == ENOMEM && block == label));
    label = static_cast<Label*>(block);
    EXPECT_FOR(i, blocks::holds(label + 1, label->bytes - sizeof *label, label->seed));
    free(random.below(4) != 0 ? shelf[random.below(shelf.size())].exchange(label) : label);
  }
}

void transfer_threads() {
  std::vector<luna_heap*> heaps = {nullptr, made("one"), made("two", 40 * kMiB),
                                   made("exact", 60 * kMiB, LUNA_HEAP_EXACT)};
  Shelf shelf{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) threads.emplace_back([&, i] { work(shelf, heaps, i + 1); });
  // Heaps come and go beside them, with what they were handed.
  threads.emplace_back([] {
    for (int i = 0; i < 100; ++i) {
      luna_heap* own = made("short");
      void* there = malloc(kLarge);
      EXPECT(block_transfer(&there, own, nullptr) == 0);
      void* back = heap_malloc(own, kLarge);
      EXPECT(block_transfer(&back, nullptr, nullptr) == 0 && heap_destroy(own) == 0);
      free(back);
    }
  });
  for (std::thread& thread : threads) thread.join();
  for (auto& place : shelf) free(place.load());
  for (luna_heap* each : heaps)
    if (each != nullptr) EXPECT(used(each) == 0 && heap_destroy(each) == 0);
}

constexpr Part kParts[] = {
    {"sizes", transfer_sizes},     {"limits", transfer_limits},   {"kinds", transfer_kinds},
    {"tree", transfer_tree},       {"often", transfer_often},     {"threads", transfer_threads},
    {"sampled", transfer_threads}, {"entered", transfer_entered},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }
