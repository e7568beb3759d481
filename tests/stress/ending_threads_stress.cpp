// SPDX-License-Identifier: MIT
// Property: threads may end while others hold, free and hand on their blocks;
// their heaps are adopted, and no block is lost or given out twice.
#include "stress/world.hpp"
#include "support/random.hpp"

#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kSpawners = 2;
constexpr std::size_t kMaxInQueue = 5000;

struct World {
  explicit World(const Arguments& arguments) : deadline(arguments.seconds) {}

  Allocator allocator;
  Handover queue;
  Deadline deadline;
};

// Allocates, frees some of it and some of others, leaves the rest, and ends.
void live_shortly(World& world, std::uint64_t seed) {
  Random random(seed);
  TestThread thread(world.allocator);
  const std::size_t blocks = random.below(400);
  const std::size_t limit = std::size_t{16} << random.below(12);
  for (std::uint64_t i = 0; i < blocks; ++i) {
    const MarkedBlock block = allocate_marked(thread, random.below(limit), seed + i);
    if (random.one_in(4) || world.queue.size() > kMaxInQueue)
      deallocate_marked(thread, block);
    else
      world.queue.put(block);
    if (!random.one_in(3)) continue;
    if (const auto other = world.queue.take()) deallocate_marked(thread, *other);
  }
  if (!random.one_in(4)) return;
  // What the C library frees after a thread's heap was parked.
  thread.park();
  for (int i = 0; i < 10; ++i)
    if (const auto other = world.queue.take()) deallocate_marked(thread, *other);
}

void spawn(World& world, std::uint64_t seed) {
  Random random(seed);
  while (!world.deadline.passed()) {
    std::thread first([&world, seed = random.next()] { live_shortly(world, seed); });
    std::thread second([&world, seed = random.next()] { live_shortly(world, seed); });
    first.join();
    second.join();
  }
}

// Frees what the others left behind, as long as they go on.
void clean_up(World& world, const std::atomic<bool>& stop) {
  TestThread thread(world.allocator);
  while (!stop) {
    for (int i = 0; i < 100; ++i)
      if (const auto block = world.queue.take()) deallocate_marked(thread, *block);
    std::this_thread::yield();
  }
  while (const auto block = world.queue.take()) deallocate_marked(thread, *block);
}

void run(const Arguments& arguments) {
  World world(arguments);
  std::atomic<bool> stop{false};
  std::thread cleaner([&] { clean_up(world, stop); });
  std::vector<std::thread> spawners;
  for (std::uint64_t i = 0; i < kSpawners; ++i)
    spawners.emplace_back([&, i] { spawn(world, arguments.seed + (i << 32)); });
  for (std::thread& spawner : spawners) spawner.join();
  stop = true;
  cleaner.join();
  expect_all_free(world.allocator);
  LUNA_EXPECT(world.allocator.usage().thread_heaps <= 2 * kSpawners + 2, "%zu heaps",
              world.allocator.usage().thread_heaps);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) { luna::test::run(luna::test::read_arguments(count, values)); }
