// SPDX-License-Identifier: MIT
// What the statistics of a heap say, against what the kernel says and what was done.
//
// Usage: heap_figures_guest PART
#include "expect.hpp"
#include "heap_api.hpp"
#include "parts.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace heap;

struct Mapped {
  std::uint64_t resident_bytes = 0;
  std::size_t mappings = 0;
};

// Of smaps, the mappings of a heap: they are told apart by being readable alone, and no region is
// of two heaps.
[[nodiscard]] Mapped mapped(luna_heap* of) {
  Mapped result;
  std::ifstream smaps("/proc/self/smaps");
  bool is_its = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uint64_t begin = 0;
    std::uint64_t kib = 0;
    char access[5] = "";
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%*x %4s", &begin, access) == 2) {
      is_its = strcmp(access, "r--p") == 0 && heap_of(reinterpret_cast<void*>(begin)) == of;
      result.mappings += is_its ? 1 : 0;
    } else if (is_its && std::sscanf(line.c_str(), "Rss: %" SCNu64 " kB", &kib) == 1) {
      result.resident_bytes += kib * kKiB;
    }
  }
  return result;
}

// Of each kind of memory, partly written to and partly freed.
[[nodiscard]] std::vector<void*> some_blocks(luna_heap* own, unsigned seed) {
  constexpr std::size_t kSizes[] = {16, 64, 500, 3000, 20000, 50000, 300000, 3 * kMiB, 9 * kMiB};
  std::vector<void*> blocks;
  for (unsigned i = 0; i < 600; ++i) {
    const unsigned at = (i * 7 + seed) % 100;
    const std::size_t size = kSizes[at < 92 ? at % 6 : at - 91];
    auto* block = static_cast<char*>(heap_malloc(own, size));
    EXPECT_FOR(i, block != nullptr);
    if (i % 3 != 0) memset(block, 1, i % 2 == 0 ? size : size / 3);
    if (i % 5 == 0) {
      free(block);
    } else {
      blocks.push_back(block);
    }
  }
  return blocks;
}

void compare(luna_heap* own) {
  EXPECT(heap_protect(own, LUNA_HEAP_READ) == 0);
  const std::uint64_t told = stats(own).resident_bytes;
  const Mapped found = mapped(own);
  std::printf("%s: %" PRIu64 " bytes, smaps: %" PRIu64 " in %zu mappings\n", heap_name(own), told,
              found.resident_bytes, found.mappings);
  EXPECT(found.mappings != 0 && found.resident_bytes == told);
  EXPECT(heap_protect(own, LUNA_HEAP_READ_WRITE) == 0);
}

// Heaps that grow side by side, and shrink.
void resident() {
  std::vector<luna_heap*> heaps;
  std::vector<std::vector<void*>> blocks;
  for (const char* name : {"one", "two", "three"}) heaps.push_back(made(name));
  heaps.push_back(made("huge", 0, LUNA_HEAP_HUGE_PAGES));
  for (unsigned round = 0; round < 4; ++round) {
    for (unsigned i = 0; i < heaps.size(); ++i) blocks.push_back(some_blocks(heaps[i], round + i));
    for (luna_heap* own : heaps) compare(own);
  }
  for (const std::vector<void*>& of_one : blocks)
    for (std::size_t i = 0; i < of_one.size(); i += 2) free(of_one[i]);
  for (luna_heap* own : heaps) compare(own);
  for (luna_heap* own : heaps) heap_trim(own);
  for (luna_heap* own : heaps) compare(own);
}

void allocations() {
  luna_heap* exact = made("exact", 0, LUNA_HEAP_EXACT);
  luna_heap* plain = made("plain");
  for (const std::size_t size : {16U, 700U, 15000U, 40000U, 300000U, 5000000U}) {
    const std::uint64_t before = stats(exact).allocations;
    for (int i = 0; i < 100; ++i) free(heap_malloc(exact, size));
    EXPECT_FOR(size, stats(exact).allocations == before + 100);
  }
  EXPECT(heap_reset(exact) == 0 && stats(exact).allocations == 600);
  std::thread([&] { static_cast<void>(fill(exact, 64, 50)); }).join();
  EXPECT(stats(exact).allocations == 650);

  static_cast<void>(fill(plain, 64, 10'000));
  const std::uint64_t small = stats(plain).allocations;
  std::printf("%" PRIu64 " counted of 10000\n", small);
  EXPECT(small >= 10'000 && small < 11'000);
  static_cast<void>(fill(plain, 300'000, 50));
  EXPECT(stats(plain).allocations == small + 50);
  std::thread([&] { static_cast<void>(fill(plain, 5000, 100)); }).join();
  const std::uint64_t all = stats(plain).allocations;
  EXPECT(all >= small + 150 && all < small + 250);
  EXPECT(heap_reset(plain) == 0 && stats(plain).allocations == all);
  EXPECT(heap_destroy(plain) == 0);
  EXPECT(stats(made("next")).allocations == 0);
}

constexpr Part kParts[] = {{"resident", resident}, {"allocations", allocations}};

}  // namespace

int main(int count, char** arguments) { return run_guest(kParts, count, arguments); }
