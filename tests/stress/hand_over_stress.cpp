// SPDX-License-Identifier: MIT
// Property: blocks of all sizes, allocated, resized and freed by whatever thread
// has them, keep their contents; and all memory comes back in the end.
#include "stress/world.hpp"
#include "support/random.hpp"

#include <array>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kQueues = 3;
constexpr std::size_t kMaxOwn = 400;

struct World {
  explicit World(const Arguments& arguments) : deadline(arguments.seconds) {}

  Allocator allocator;
  std::array<Handover, kQueues> queues;
  Deadline deadline;
};

[[nodiscard]] std::size_t some_bytes(Random& random) {
  switch (random.below(20)) {
    case 0:
      return random.below(200'000);
    case 1:
      return random.one_in(20) ? random.below(6'000'000) : random.below(40'000);
    case 2:
    case 3:
      return random.below(kMaxSmallBytes + 1);
    default:
      return random.below(512);
  }
}

// One thread's work: each step allocates, resizes, gives away, takes or frees.
class Worker {
 public:
  Worker(World& world, std::uint64_t seed)
      : world_(world), random_(seed), mark_(seed), thread_(world.allocator) {}

  void run() {
    while (!world_.deadline.passed())
      for (int i = 0; i < 200; ++i) step();
    for (const MarkedBlock& block : own_) deallocate_marked(thread_, block);
  }

 private:
  void step() {
    Handover& queue = world_.queues[random_.below(kQueues)];
    const std::size_t choice = random_.below(100);
    if (own_.empty() || (choice < 40 && own_.size() < kMaxOwn)) return allocate();
    std::swap(own_[random_.below(own_.size())], own_.back());
    if (choice < 50) return resize();
    if (choice < 70 && queue.size() < kMaxOwn) {
      queue.put(own_.back());
      own_.pop_back();
    } else if (const auto block = queue.take(); choice < 85 && block.has_value()) {
      own_.push_back(*block);
    } else {
      if (block.has_value()) own_.push_back(*block);
      deallocate_marked(thread_, own_.back());
      own_.pop_back();
    }
  }

  void allocate() {
    const std::size_t bytes = some_bytes(random_);
    if (!random_.one_in(8)) return own_.push_back(allocate_marked(thread_, bytes, ++mark_));
    MarkedBlock block = {thread_.allocate_zeroed(bytes), bytes, ++mark_};
    LUNA_EXPECT(is_zero(block.memory, bytes), "block %p of %zu bytes", block.memory, bytes);
    write_pattern(block.memory, bytes, mark_);
    own_.push_back(block);
  }

  void resize() {
    MarkedBlock& block = own_.back();
    const std::size_t bytes = some_bytes(random_) + 1;
    block.memory = thread_.reallocate(block.memory, bytes);
    LUNA_EXPECT(block.memory != nullptr, "no memory for %zu bytes", bytes);
    const std::size_t kept = bytes < block.bytes ? bytes : block.bytes;
    LUNA_EXPECT(has_pattern_prefix(block.memory, kept, block.bytes, block.mark),
                "block %p, %zu bytes that were %zu", block.memory, bytes, block.bytes);
    block.bytes = bytes;
    block.mark = ++mark_;
    write_pattern(block.memory, bytes, mark_);
  }

  World& world_;
  Random random_;
  std::uint64_t mark_;
  TestThread thread_;
  std::vector<MarkedBlock> own_;
};

void run(const Arguments& arguments) {
  World world(arguments);
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] { Worker(world, arguments.seed + (i << 32)).run(); });
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
