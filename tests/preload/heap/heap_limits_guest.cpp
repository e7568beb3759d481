// SPDX-License-Identifier: MIT
// What heaps of the program's own do at their limits, one part a run.
//
// Usage: heap_limits_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace heap;

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

// What its children use is not its own, to be given up with its blocks.
void exact_parent() {
  luna_heap* root = made("root", 4 * kMiB, LUNA_HEAP_EXACT);
  luna_heap_options below = options("below", 0, LUNA_HEAP_EXACT);
  below.parent = root;
  luna_heap* child = made(below);
  const std::vector<void*> held = fill(child, 1000, 1000);
  static_cast<void>(fill(root, 1000, 500));
  const std::uint64_t used = stats(child).used_bytes;
  EXPECT(stats(root).used_bytes > used && heap_reset(root) == 0);
  EXPECT(stats(root).used_bytes == used && stats(child).used_bytes == used);
  free_all(held);
  EXPECT(stats(root).used_bytes == 0 && stats(child).used_bytes == 0);
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

constexpr Part kParts[] = {
    {"limit", limit},         {"tree", tree},       {"exact_parent", exact_parent},
    {"callbacks", callbacks}, {"reserve", reserve}, {"aborts", aborts},
};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }
