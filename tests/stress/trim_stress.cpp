// SPDX-License-Identifier: MIT
// Property: memory may be given back at any time, by trim and by decay, while
// threads allocate and free; contents stay, zeroed blocks are zero, and what
// the kernel backs is about nothing when all is free.
#include "os/clock.hpp"
#include "stress/world.hpp"
#include "support/random.hpp"

#include <unistd.h>

#include <array>
#include <fstream>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kThreads = 3;

// A sanitizer's shadow memory would count as well.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

[[nodiscard]] std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

struct World {
  explicit World(const Arguments& arguments) : deadline(arguments.seconds) {}

  Allocator allocator;
  Deadline deadline;
};

// Fills and empties a working set again and again.
void work(World& world, std::uint64_t seed) {
  Random random(seed);
  TestThread thread(world.allocator);
  std::uint64_t mark = seed;
  std::vector<MarkedBlock> blocks;
  while (!world.deadline.passed()) {
    const std::size_t limit = std::size_t{64} << random.below(16);
    for (std::size_t i = random.below(300); i > 0; --i) {
      const std::size_t bytes = random.below(limit);
      if (random.one_in(2)) {
        blocks.push_back(allocate_marked(thread, bytes, ++mark));
        continue;
      }
      MarkedBlock block = {thread.allocate_zeroed(bytes), bytes, ++mark};
      LUNA_EXPECT(is_zero(block.memory, bytes), "block %p of %zu bytes", block.memory, bytes);
      write_pattern(block.memory, bytes, mark);
      blocks.push_back(block);
    }
    const std::size_t kept = random.one_in(3) ? 0 : random.below(200);
    while (blocks.size() > kept) {
      std::swap(blocks[random.below(blocks.size())], blocks.back());
      deallocate_marked(thread, blocks.back());
      blocks.pop_back();
    }
    if (random.one_in(20)) thread.trim(random.below(1 << 20));
  }
  for (const MarkedBlock& block : blocks) deallocate_marked(thread, block);
}

// Gives back what it can, all the time.
void give_back(World& world, std::uint64_t seed) {
  Random random(seed);
  TestThread thread(world.allocator);
  while (!world.deadline.passed()) {
    if (random.one_in(10)) thread.trim(random.one_in(2) ? 0 : random.below(1 << 22));
    world.allocator.pages().tick(os::coarse_milliseconds(), 20);
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(500)));
  }
}

void run(const Arguments& arguments) {
  World world(arguments);
  world.allocator.config().decay_ms = 20;
  const std::size_t before = resident_bytes();
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] { work(world, arguments.seed + (i << 32)); });
  threads.emplace_back([&] { give_back(world, arguments.seed); });
  for (std::thread& thread : threads) thread.join();
  expect_all_free(world.allocator);
  const std::size_t after = resident_bytes();
  std::printf("resident: %zu KiB before, %zu KiB after\n", before >> 10, after >> 10);
  LUNA_EXPECT(kSanitized || after < before + (std::size_t{8} << 20), "%zu KiB", after >> 10);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) { luna::test::run(luna::test::read_arguments(count, values)); }
