// SPDX-License-Identifier: MIT
// Property: blocks of pools go from thread to thread by a queue and back to their pool while
// chunks come and go; no block is in two hands, none is lost, and nobody is denied one as long as
// there may be more.
#include "heap/block_queue.hpp"
#include "heap/pool.hpp"
#include "stress/world.hpp"
#include "support/random.hpp"
#include "support/test_pages.hpp"

#include <array>
#include <cstring>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kHeld = 12;   // by each thread
constexpr std::size_t kQueued = 8;  // at most
constexpr std::size_t kWanted = kThreads * kHeld + kQueued;

struct World {
  World(const Arguments& arguments, const PoolOptions& options)
      : deadline(arguments.seconds), pool(pages.heap, "stress", options) {}

  Deadline deadline;
  TestPages pages;
  Pool pool;
  std::array<BlockQueue::Cell, kQueued> cells;
  BlockQueue queue{cells.data(), kQueued};
};

// Whoever has a block has written a number to it that nobody else writes.
class Worker {
 public:
  Worker(World& world, std::uint64_t seed) : world_(world), random_(seed), mark_(seed << 48) {}

  void work() {
    while (!world_.deadline.passed())
      for (int i = 0; i < 100; ++i) step();
    while (!blocks_.empty()) give_back();
  }

 private:
  void step() {
    const bool full = blocks_.size() == kHeld;
    switch (random_.below(4)) {
      case 0:
        return full ? give_back() : take();
      case 1:
        return full ? hand_over() : receive();
      case 2:
        return blocks_.empty() ? take() : give_back();
      default:
        return blocks_.empty() ? receive() : hand_over();
    }
  }
  void take() {
    void* block = world_.pool.allocate(true);
    LUNA_EXPECT(block != nullptr, "denied below the bound");
    keep(block);
  }
  void receive() {
    QueuedBlock block;
    if (!world_.queue.try_pop(block)) return;
    expect_mark(block.pointer, block.bytes);
    keep(block.pointer);
  }
  void give_back() {
    void* block = drop();
    LUNA_EXPECT(world_.pool.deallocate(block, true) == PoolFree::kDone, "block %p", block);
  }
  void hand_over() {
    void* block = blocks_.back().memory;
    if (world_.queue.try_push({block, blocks_.back().mark})) blocks_.pop_back();
  }

  void keep(void* block) {
    ++mark_;
    std::memcpy(block, &mark_, sizeof mark_);
    blocks_.push_back({block, sizeof mark_, mark_});
  }
  void* drop() {
    std::swap(blocks_[random_.below(blocks_.size())], blocks_.back());
    const MarkedBlock block = blocks_.back();
    blocks_.pop_back();
    expect_mark(block.memory, block.mark);
    return block.memory;
  }
  static void expect_mark(const void* block, std::uint64_t mark) {
    LUNA_EXPECT(std::memcmp(block, &mark, sizeof mark) == 0, "block %p in two hands", block);
  }

  World& world_;
  Random random_;
  std::uint64_t mark_;
  std::vector<MarkedBlock> blocks_;
};

void run(const Arguments& arguments, const PoolOptions& options) {
  World world(arguments, options);
  std::vector<Worker> workers;
  for (std::uint64_t i = 1; i <= kThreads; ++i) workers.emplace_back(world, arguments.seed + i);
  std::vector<std::thread> threads;
  for (Worker& worker : workers) threads.emplace_back([&] { worker.work(); });
  while (!world.deadline.passed()) {
    world.pool.trim();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  for (QueuedBlock block; world.queue.try_pop(block);)
    LUNA_EXPECT(world.pool.deallocate(block.pointer, true) == PoolFree::kDone, "after all");
  LUNA_EXPECT(world.pool.usage().used == 0, "%zu are lost", world.pool.usage().used);
  LUNA_EXPECT(world.pool.usage().peak <= kWanted, "%zu at once", world.pool.usage().peak);
  world.pool.verify();
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) {
  using luna::PoolOptions;
  luna::test::Arguments arguments = luna::test::read_arguments(count, values);
  arguments.seconds = (arguments.seconds + 1) / 2;
  // Chunks of one block, and a few of some words each.
  luna::test::run(arguments, {.block_bytes = 200'000, .max_blocks = luna::test::kWanted});
  luna::test::run(
      arguments,
      {.block_bytes = 12'000, .max_blocks = luna::test::kWanted, .reclaim_on_free = true});
  return 0;
}
