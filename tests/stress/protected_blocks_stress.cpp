// SPDX-License-Identifier: MIT
// Property: blocks that end with a canary, wait in a quarantine when they were freed, and wander
// from thread to thread, keep their contents, are zeros when they are handed out anew, and are
// freed by one thread. Threads begin and end meanwhile, and leave their quarantines to others.
#include "hardened/block_end.hpp"
#include "hardened/quarantine.hpp"
#include "stress/world.hpp"
#include "support/random.hpp"

#include <array>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

using hardened::Extent;

constexpr std::size_t kThreads = 4;
constexpr std::size_t kStepsOfALife = 4000;
constexpr std::size_t kMaxOwn = 200;
constexpr std::size_t kMaxQueued = 400;

struct World {
  explicit World(const Arguments& arguments) : deadline(arguments.seconds) {}

  Allocator allocator;
  hardened::Quarantines quarantines;
  Handover queue;
  Deadline deadline;
};

[[nodiscard]] std::size_t some_bytes(Random& random) {
  if (random.one_in(50)) return 1 + random.below(200'000);
  return 1 + random.below(random.one_in(4) ? kMaxSmallBytes - hardened::kEndBytes : 512);
}

// A thread from its begin to its end.
class Life {
 public:
  Life(World& world, std::uint64_t seed)
      : world_(world),
        random_(seed),
        mark_(seed),
        thread_(world.allocator),
        quarantine_(world.quarantines.attach()) {
    LUNA_EXPECT(quarantine_ != nullptr, "no memory for a quarantine");
  }

  void run() {
    for (std::size_t i = 0; i < kStepsOfALife; ++i) step();
    while (!own_.empty()) give_away();
    world_.quarantines.park(*quarantine_);
  }

  void free_all_queued() {
    while (const auto block = world_.queue.take()) free_block(*block);
    world_.quarantines.park(*quarantine_);
  }

 private:
  void step() {
    const std::size_t choice = random_.below(10);
    if (own_.empty() || (choice < 5 && own_.size() < kMaxOwn)) return allocate();
    std::swap(own_[random_.below(own_.size())], own_.back());
    if (choice < 7 && world_.queue.size() < kMaxQueued) return give_away();
    if (const auto block = world_.queue.take(); block.has_value()) free_block(*block);
    free_block(own_.back());
    own_.pop_back();
  }

  void give_away() {
    world_.queue.put(own_.back());
    own_.pop_back();
  }

  [[nodiscard]] static Extent extent_of(void* memory, std::size_t asked) {
    const std::size_t total = hardened::with_end(asked);
    auto* bytes = static_cast<std::byte*>(memory);
    if (total <= kMaxSmallBytes) return {bytes, block_bytes(size_class_of(total)), true};
    return hardened::extent_of_pages(memory, pages_for(total));
  }

  void allocate() {
    MarkedBlock block = {nullptr, some_bytes(random_), ++mark_};
    block.memory = thread_.allocate(hardened::with_end(block.bytes));
    LUNA_EXPECT(block.memory != nullptr, "no memory for %zu bytes", block.bytes);
    const Extent extent = extent_of(block.memory, block.bytes);
    if (extent.is_small) {
      hardened::begin_small(extent, block.bytes);
      LUNA_EXPECT(is_zero(block.memory, block.bytes), "block %p of %zu bytes", block.memory,
                  block.bytes);
    } else {
      hardened::begin_pages(extent, block.bytes);
    }
    write_pattern(block.memory, block.bytes, block.mark);
    own_.push_back(block);
  }

  void free_block(const MarkedBlock& block) {
    LUNA_EXPECT(has_pattern(block.memory, block.bytes, block.mark), "block %p of %zu bytes",
                block.memory, block.bytes);
    const Extent extent = extent_of(block.memory, block.bytes);
    if (!extent.is_small || !hardened::try_end_small_use(extent)) {
      const std::size_t asked = hardened::end_use(extent);
      LUNA_EXPECT(asked == block.bytes, "%zu instead of %zu bytes", asked, block.bytes);
      static_cast<void>(hardened::clear(extent));
    }
    void* leaves = quarantine_->exchange(extent.memory, extent.bytes);
    if (leaves == nullptr) return;
    LUNA_EXPECT(thread_.deallocate(leaves) == Verdict::kDone, "block %p", leaves);
  }

  World& world_;
  Random random_;
  std::uint64_t mark_;
  TestThread thread_;
  hardened::Quarantine* quarantine_;
  std::vector<MarkedBlock> own_;
};

void run(const Arguments& arguments) {
  World world(arguments);
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      std::uint64_t seed = arguments.seed + (i << 32);
      while (!world.deadline.passed()) Life(world, ++seed).run();
    });
  for (std::thread& thread : threads) thread.join();
  Life(world, arguments.seed).free_all_queued();
  TestThread last(world.allocator);
  for (int round = 0; round < 3; ++round) last.trim();
  // What waits in the quarantines of as many threads as there were at a time.
  constexpr std::size_t kMostWaiting = (kThreads + 1) * (128 + 16 + 2);
  const std::size_t waiting = world.allocator.usage().small_blocks;
  std::printf("%zu blocks wait\n", waiting);
  LUNA_EXPECT(waiting <= kMostWaiting, "%zu", waiting);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) { luna::test::run(luna::test::read_arguments(count, values)); }
