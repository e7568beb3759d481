// SPDX-License-Identifier: MIT
// Property: from the moment that an interval is set, every thread keeps to it. Threads allocate
// while one sets intervals of 0 and 1 all the time; who has allocated between two settings has a
// sample exactly if every block was to be one.
#include "stress/world.hpp"
#include "support/random.hpp"

#include <set>
#include <thread>
#include <vector>

namespace luna::test {
namespace {

constexpr std::size_t kThreads = 3;

// The samples that are live.
class Recorder {
 public:
  [[nodiscard]] SampleObserver observer() { return {this, allocated, freed, resized, moved}; }

  [[nodiscard]] bool has(void* memory) {
    const std::lock_guard guard(mutex_);
    return live_.count(memory) != 0;
  }

 private:
  static Recorder& of(void* self) { return *static_cast<Recorder*>(self); }
  static bool allocated(void* self, const SampledBlock& block) noexcept {
    const std::lock_guard guard(of(self).mutex_);
    return of(self).live_.insert(block.memory).second;
  }
  static bool freed(void* self, void* memory) noexcept {
    const std::lock_guard guard(of(self).mutex_);
    return of(self).live_.erase(memory) != 0;
  }
  static bool resized(void*, const SampledBlock&) noexcept { return true; }
  static void moved(void*, void*, void*) noexcept { std::abort(); }

  std::mutex mutex_;
  std::set<void*> live_;
};

struct World {
  explicit World(const Arguments& arguments) : deadline(arguments.seconds) {}

  Recorder recorder;
  Allocator allocator;
  // How often an interval was set, doubled; odd while one is being set. Of twice an even number
  // every block is sampled, of twice an odd one none.
  std::atomic<std::uint64_t> settings{0};
  std::atomic<std::uint64_t> looks{0};
  Deadline deadline;
};

void allocate(World& world, std::uint64_t seed) {
  Random random(seed);
  TestThread thread(world.allocator);
  std::vector<void*> blocks;
  while (!world.deadline.passed()) {
    const std::uint64_t before = world.settings;
    const std::size_t bytes = std::size_t{16} << random.below(9);
    void* block = thread.allocate(random.one_in(2) ? bytes : 48);
    const bool is_sample = world.recorder.has(block);
    if (before == world.settings && before % 2 == 0 && before != 0) {
      const bool wanted = before / 2 % 2 == 0;
      LUNA_EXPECT(is_sample == wanted, "after %llu settings",
                  static_cast<unsigned long long>(before / 2));
      ++world.looks;
    }
    blocks.push_back(block);
    while (blocks.size() > 100 || (!blocks.empty() && random.one_in(2))) {
      LUNA_EXPECT(thread.deallocate(blocks.back()) == Verdict::kDone, "%p", blocks.back());
      blocks.pop_back();
    }
  }
  for (void* block : blocks) LUNA_EXPECT(thread.deallocate(block) == Verdict::kDone, "%p", block);
}

void set_intervals(World& world, std::uint64_t seed) {
  Random random(seed);
  while (!world.deadline.passed()) {
    const std::uint64_t number = ++world.settings / 2 + 1;
    world.allocator.set_sampling_interval(number % 2 == 0 ? 1 : 0, random.next());
    ++world.settings;
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(300)));
  }
}

void run(const Arguments& arguments) {
  World world(arguments);
  LUNA_EXPECT(world.allocator.begin_sampling(world.recorder.observer()), "memory");
  std::vector<std::thread> threads;
  for (std::uint64_t i = 1; i <= kThreads; ++i)
    threads.emplace_back([&, i] { allocate(world, arguments.seed + i); });
  set_intervals(world, arguments.seed);
  for (std::thread& thread : threads) thread.join();
  const std::uint64_t looks = world.looks;
  std::printf("%llu settings, %llu looks\n", static_cast<unsigned long long>(world.settings / 2),
              static_cast<unsigned long long>(looks));
  LUNA_EXPECT(looks > 0, "nobody was between two settings");
  expect_all_free(world.allocator);
}

}  // namespace
}  // namespace luna::test

int main(int count, char** values) {
  luna::test::run(luna::test::read_arguments(count, values));
  return 0;
}
