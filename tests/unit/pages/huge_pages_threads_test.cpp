// SPDX-License-Identifier: MIT
// Threads that take, grow, move and free blocks, while others collapse the regions of
// these and give free memory back.
#include "support/huge_memory.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::has_pattern;
using test::is_zero;
using test::TestPages;
using test::write_pattern;

constexpr std::size_t kRegion = kPagesPerRegion;
constexpr std::uint64_t kDecayMs = 1000;
constexpr std::chrono::seconds kDuration{2};

// What a thread does with blocks of its own. Nearly all are written as a whole, and free
// memory is given back often, so that there is always something to collapse.
class Worker {
 public:
  Worker(PageHeap& heap, std::uint64_t seed) : heap_(heap), random_(seed), next_mark_(seed << 32) {}

  void step() {
    const std::size_t choice = random_.below(100);
    if (blocks_.empty() || (choice < 40 && pages_ < 8'000)) return take();
    const std::size_t at = random_.below(blocks_.size());
    if (choice < 65) return put(at);
    if (choice < 80) return resize(at);
    if (choice < 90) return move(at);
    heap_.trim(random_.below(2) * random_.below(4000) * kPageBytes);
  }

  void put_everything() {
    while (!blocks_.empty()) put(blocks_.size() - 1);
  }

  // 0: everything was as it should be.
  [[nodiscard]] std::size_t mistakes() const { return mistakes_; }

 private:
  struct Block {
    std::byte* memory;
    std::size_t pages;
    std::uint64_t mark;
  };

  [[nodiscard]] std::size_t some_pages() {
    if (random_.one_in(4)) return random_.between(1, kRegion);
    return random_.one_in(3) ? random_.between(kRegion, 3 * kRegion)
                             : kRegion * random_.between(2, 4);
  }

  void add(std::byte* memory, std::size_t pages) {
    write_pattern(memory, pages * kPageBytes, next_mark_);
    blocks_.push_back({memory, pages, next_mark_++});
    pages_ += pages;
  }

  void remove(std::size_t at) {
    pages_ -= blocks_[at].pages;
    blocks_[at] = blocks_.back();
    blocks_.pop_back();
  }

  void take() {
    const std::size_t pages = some_pages();
    const bool zero = random_.one_in(2);
    auto* memory = static_cast<std::byte*>(heap_.take(pages, 1, zero));
    if (zero && !is_zero(memory, pages * kPageBytes)) ++mistakes_;
    add(memory, pages);
  }

  void put(std::size_t at) {
    const Block block = blocks_[at];
    if (!has_pattern(block.memory, block.pages * kPageBytes, block.mark)) ++mistakes_;
    remove(at);
    heap_.put(block.memory);
  }

  void resize(std::size_t at) {
    const Block block = blocks_[at];
    const std::size_t pages =
        random_.one_in(2) ? random_.between(1, block.pages) : block.pages + random_.below(600);
    if (heap_.resize(block.memory, pages)) renamed(at, block.memory, pages);
  }

  void move(std::size_t at) {
    const Block block = blocks_[at];
    if (block.pages <= kRegion) return;
    const std::size_t pages = block.pages + random_.below(600);
    auto* memory = static_cast<std::byte*>(heap_.move(block.memory, pages, heap_));
    if (memory != nullptr) renamed(at, memory, pages);
  }

  void renamed(std::size_t at, std::byte* memory, std::size_t pages) {
    const Block block = blocks_[at];
    const std::size_t kept = (pages < block.pages ? pages : block.pages) * kPageBytes;
    if (!test::has_pattern_prefix(memory, kept, block.pages * kPageBytes, block.mark)) ++mistakes_;
    remove(at);
    add(memory, pages);
  }

  PageHeap& heap_;
  test::Random random_;
  std::uint64_t next_mark_;
  std::vector<Block> blocks_;
  std::size_t pages_ = 0;
  std::size_t mistakes_ = 0;
};

// Pages of the kernel that back what an arena and those after it hold.
[[nodiscard]] std::size_t count_backed_pages(Arena* arena) {
  std::size_t result = 0;
  std::vector<unsigned char> backed(kRegion);
  for (; arena != nullptr; arena = arena->next)
    for (std::size_t i = 0; i < arena->regions; ++i) {
      if (!os::find_resident(arena->memory + i * kRegionBytes, kRegionBytes, backed.data()))
        continue;
      for (const unsigned char byte : backed) result += byte & 1U;
    }
  return result;
}

// Calls `tick` all the time in a thread of its own, while `workers` step for a while.
template <typename Workers>
void work_for_a_while(PageHeap& heap, Workers& workers) {
  std::atomic<bool> over{false};
  std::thread ticker([&] {
    std::uint64_t now_ms = 100'000;
    while (!over.load(std::memory_order_relaxed)) heap.tick(now_ms += 600, kDecayMs);
  });
  std::vector<std::thread> threads;
  const auto end = std::chrono::steady_clock::now() + kDuration;
  for (auto& worker : workers)
    threads.emplace_back([&worker, end] {
      while (std::chrono::steady_clock::now() < end) worker.step();
      worker.put_everything();
    });
  for (std::thread& thread : threads) thread.join();
  over.store(true, std::memory_order_relaxed);
  ticker.join();
}

TEST(HugePagesThreads, BlocksKeepWhatTheyHoldAndWhatIsFreeGoesBack) {
  if (!test::kernel_collapses()) GTEST_SKIP() << test::kNoCollapse;
  TestPages pages;
  pages.heap.set_huge_threshold(1);
  std::byte* first = pages.take(kRegion);
  std::byte* second = pages.take(kRegion);
  write_pattern(first, kRegionBytes, 1);
  write_pattern(second, kRegionBytes, 2);
  std::vector<Worker> workers;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) workers.emplace_back(pages.heap, seed);

  work_for_a_while(pages.heap, workers);

  for (const Worker& worker : workers) EXPECT_EQ(worker.mistakes(), 0U);
  EXPECT_TRUE(has_pattern(first, kRegionBytes, 1));
  EXPECT_TRUE(has_pattern(second, kRegionBytes, 2));
  Arena* arena = pages.window.region_of(first)->arena;
  pages.heap.put(first);
  pages.heap.put(second);
  pages.heap.trim(0);
  EXPECT_EQ(pages.heap.usage().used, 0U);
  EXPECT_EQ(pages.heap.usage().dirty, 0U);
  EXPECT_EQ(count_backed_pages(arena), 0U);
}

// Takes a fresh region while there is one in use to collapse, and free ones to purge.
class FreshTaker {
 public:
  FreshTaker(PageHeap& heap, std::uint64_t mark) : heap_(heap), mark_(mark) {}

  void step() {
    auto* span = static_cast<std::byte*>(heap_.take(2 * kRegion, 1, false));
    write_pattern(span, 2 * kRegionBytes, mark_);
    auto* region = static_cast<std::byte*>(heap_.take(kRegion, 1, false));
    write_pattern(region, kRegionBytes, ++mark_);
    std::this_thread::yield();
    if (!has_pattern(region, kRegionBytes, mark_)) ++mistakes_;
    if (!has_pattern(span, 2 * kRegionBytes, mark_ - 1)) ++mistakes_;
    heap_.put(span);
    heap_.put(region);
    heap_.trim(0);
  }

  void put_everything() {}

  [[nodiscard]] std::size_t mistakes() const { return mistakes_; }

 private:
  PageHeap& heap_;
  std::uint64_t mark_;
  std::size_t mistakes_ = 0;
};

TEST(HugePagesThreads, FreshRegionBelongsToOneThread) {
  TestPages pages;
  pages.heap.set_huge_threshold(1);
  static_cast<void>(pages.take(kRegion));
  std::vector<FreshTaker> takers;
  for (std::uint64_t i = 1; i <= 3; ++i) takers.emplace_back(pages.heap, i << 32);

  work_for_a_while(pages.heap, takers);

  for (const FreshTaker& taker : takers) EXPECT_EQ(taker.mistakes(), 0U);
}

}  // namespace
}  // namespace luna
