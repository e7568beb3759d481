// SPDX-License-Identifier: MIT
// Property: slabs that become full, partial, empty and another heap's all the
// time, while others free their blocks, lose none. Few size classes of large
// blocks, so that a slab has a handful of blocks and changes state constantly.
#include "stress/world.hpp"
#include "support/random.hpp"

#include <array>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::array<std::size_t, 3> kSizes = {16 * 1024, 10 * 1024, 5 * 1024};

struct World {
  explicit World(const Arguments& arguments) : deadline(arguments.seconds) {}

  Allocator allocator;
  std::array<Handover, kThreads> queues;
  Deadline deadline;
};

// Allocates a few slabs' worth, gives most of it away, frees what it is given.
void work(World& world, std::size_t self, std::uint64_t seed) {
  Random random(seed);
  TestThread thread(world.allocator);
  std::uint64_t mark = seed;
  while (!world.deadline.passed()) {
    const std::size_t bytes = kSizes[random.below(kSizes.size())];
    const std::size_t blocks = random.between(1, 3 * kGranuleBytes / bytes);
    for (std::size_t i = 0; i < blocks; ++i) {
      const MarkedBlock block = allocate_marked(thread, bytes, ++mark);
      if (random.one_in(4))
        deallocate_marked(thread, block);
      else
        world.queues[random.below(kThreads)].put(block);
    }
    while (const auto block = world.queues[self].take()) deallocate_marked(thread, *block);
    if (random.one_in(3)) thread.publish();
    if (random.one_in(10)) thread.heap().drain();
    if (random.one_in(50)) thread.heap().trim(false);
    if (random.one_in(200)) thread.heap().verify();
    if (random.one_in(100)) {
      thread.park();
      thread.attach();
    }
  }
}

void run(const Arguments& arguments) {
  World world(arguments);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] { work(world, i, arguments.seed + (std::uint64_t{i} << 32)); });
  for (std::thread& thread : threads) thread.join();
  {
    TestThread last(world.allocator);
    for (Handover& queue : world.queues)
      while (const auto block = queue.take()) deallocate_marked(last, *block);
  }
  expect_all_free(world.allocator);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) { luna::test::run(luna::test::read_arguments(count, values)); }
