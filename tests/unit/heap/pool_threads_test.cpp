// SPDX-License-Identifier: MIT
// A pool in the hands of several threads: its bound holds, and is reached, whatever they do.
#include "heap/pool.hpp"
#include "support/random.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstring>
#include <thread>
#include <vector>

namespace luna {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kSteps = 100'000;  // of each

// Allocates and frees at random, never more than `most` at a time, with its own number in each.
class Worker {
 public:
  Worker(Pool& pool, std::uint64_t number, std::size_t most)
      : pool_(pool), number_(number), most_(most), random_(number) {}

  void step() {
    if (blocks_.size() < most_ && (blocks_.empty() || random_.below(5) < 3)) {
      void* block = pool_.allocate(true);
      if (block == nullptr) {
        ++denied_;
        return;
      }
      std::memcpy(block, &number_, sizeof number_);
      blocks_.push_back(block);
      return;
    }
    const std::size_t at = random_.below(blocks_.size());
    std::swap(blocks_[at], blocks_.back());
    give_back();
  }
  void finish() {
    while (!blocks_.empty()) give_back();
  }

  [[nodiscard]] std::size_t denied() const { return denied_; }
  [[nodiscard]] std::size_t mistakes() const { return mistakes_; }

 private:
  void give_back() {
    if (std::memcmp(blocks_.back(), &number_, sizeof number_) != 0) ++mistakes_;
    if (pool_.deallocate(blocks_.back(), true) != PoolFree::kDone) ++mistakes_;
    blocks_.pop_back();
  }

  Pool& pool_;
  const std::uint64_t number_;
  const std::size_t most_;
  test::Random random_;
  std::vector<void*> blocks_;
  std::size_t denied_ = 0;
  std::size_t mistakes_ = 0;
};

struct Outcome {
  std::size_t denied = 0;
  std::size_t mistakes = 0;
};

// So many steps of each thread; `beside()` is called again and again meanwhile.
template <typename Beside>
[[nodiscard]] Outcome work(Pool& pool, std::size_t most, std::size_t steps, Beside beside) {
  std::vector<Worker> workers;
  for (std::size_t i = 0; i < kThreads; ++i) workers.emplace_back(pool, i + 1, most);
  std::atomic<std::size_t> running{kThreads};
  std::barrier start{static_cast<std::ptrdiff_t>(kThreads)};
  std::vector<std::thread> threads;
  for (Worker& worker : workers)
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (std::size_t i = 0; i < steps; ++i) worker.step();
      worker.finish();
      --running;
    });
  while (running.load() != 0) beside();
  for (std::thread& thread : threads) thread.join();
  Outcome outcome;
  for (const Worker& worker : workers) {
    outcome.denied += worker.denied();
    outcome.mistakes += worker.mistakes();
  }
  return outcome;
}

struct Case {
  const char* name;
  PoolOptions options;
  std::size_t most;  // of each thread
  bool trims;        // besides
};

class PoolThreads : public testing::TestWithParam<Case> {};

// All threads together never want more than there may be: nobody may be denied, not even while
// chunks come and go.
TEST_P(PoolThreads, NobodyIsDeniedBelowTheBound) {
  const Case& values = GetParam();
  test::TestPages pages;
  Pool pool(pages.heap, values.name, values.options);
  ASSERT_TRUE(pool.begin());
  const Outcome outcome = work(pool, values.most, kSteps, [&] {
    if (values.trims) pool.trim();
    std::this_thread::yield();
  });

  EXPECT_EQ(outcome.denied, 0U);
  EXPECT_EQ(outcome.mistakes, 0U);
  EXPECT_EQ(pool.usage().used, 0U);
  EXPECT_LE(pool.usage().peak, kThreads * values.most);
  pool.verify();
}

INSTANTIATE_TEST_SUITE_P(
    Pool, PoolThreads,
    testing::Values(Case{"one_word", {.block_bytes = 32, .max_blocks = 8}, 2, true},
                    Case{"words", {.block_bytes = 32, .max_blocks = 400}, 100, true},
                    Case{"chunks", {.block_bytes = 60'000, .max_blocks = 100}, 25, true},
                    Case{"reclaim",
                         {.block_bytes = 60'000, .max_blocks = 100, .reclaim_on_free = true},
                         25,
                         false},
                    Case{"reclaim_all",
                         {.block_bytes = 200'000, .max_blocks = 4, .reclaim_on_free = true},
                         1,
                         true},
                    Case{"at_once",
                         {.block_bytes = 60'000, .max_blocks = 100, .auto_expand = false},
                         25,
                         true}),
    [](const testing::TestParamInfo<Case>& value) { return value.param.name; });

// Each of them wants more than there may be.
TEST(PoolThreads, BoundHoldsWhereMoreIsWanted) {
  test::TestPages pages;
  Pool pool(pages.heap, "scarce", {.block_bytes = 3000, .max_blocks = 200});
  const Outcome outcome = work(pool, 250, kSteps, [&] { pool.trim(); });

  EXPECT_GT(outcome.denied, 0U);
  EXPECT_EQ(outcome.mistakes, 0U);
  EXPECT_EQ(pool.usage().peak, 200U);
  EXPECT_EQ(pool.usage().denied, outcome.denied);
  pool.verify();
}

// Of two threads that free the same block one is told of it.
TEST(PoolThreads, BlockFreedByTwoIsFreedOnce) {
  test::TestPages pages;
  Pool pool(pages.heap, "twice", {.block_bytes = 64});
  for (int round = 0; round < 300; ++round) {
    void* block = pool.allocate(true);
    std::atomic<int> done{0};
    std::array<std::thread, 2> threads;
    for (std::thread& thread : threads)
      thread = std::thread([&] {
        if (pool.deallocate(block, true) == PoolFree::kDone) ++done;
      });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(done.load(), 1);
  }
  pool.verify();
}

// What threads were at that are not in the child is settled there: places and blocks agree.
TEST(PoolThreads, ChildOfAForkGoesOn) {
  test::TestPages pages;
  Pool pool(pages.heap, "forked",
            {.block_bytes = 60'000, .max_blocks = 60, .reclaim_on_free = true});
  int forks = 0;
  const Outcome outcome = work(pool, 15, kSteps, [&] {
    if (++forks > 20) return;
    pool.prepare_fork();
    pages.heap.lock().lock();
    const pid_t child = ::fork();
    if (child == 0) {
      pages.heap.lock().reset_in_child();
      pool.resume_child();
      ::alarm(20);
      pool.verify();
      std::size_t used = pool.usage().used;
      while (pool.allocate(true) != nullptr) ++used;
      ::_exit(used == 60 ? 0 : 1);
    }
    pages.heap.lock().unlock();
    pool.resume_parent();
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  });

  EXPECT_EQ(outcome.mistakes, 0U);
  EXPECT_GT(forks, 0);
}

}  // namespace
}  // namespace luna
