// SPDX-License-Identifier: MIT
// What the profiler says against what was allocated, over many seeds: small blocks, runs and
// spans, aligned ones, realloc, and frees by other threads. LUNA_SEEDS=500 runs more of them.
#include "support/profiled.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <thread>
#include <vector>

namespace luna {
namespace {

using test::Found;
using test::look;
using test::Random;
using test::TestThread;

// Sizes are between 2^first and 2^last, each doubling as likely as another.
struct Mixture {
  std::size_t first;
  std::size_t last;
  std::uint64_t interval;
  int steps;
};

// Such that of what a sample stands for most there are some: the estimate of a few blocks, each
// seldom seen, is far from a normal distribution.
constexpr Mixture kSmall = {0, 14, 8 << 10, 8'000};
constexpr Mixture kRuns = {14, 18, 256 << 10, 2'000};
constexpr Mixture kSpans = {18, 24, 8 << 20, 600};
constexpr Mixture kAll = {6, 20, 8 << 10, 8'000};

enum Quantity : std::size_t { kObjects, kBytes, kLiveObjects, kLiveBytes, kQuantities };
constexpr std::array<const char*, kQuantities> kNames = {"objects", "bytes", "live objects",
                                                         "live bytes"};

// A block as docs/telemetry.md counts it.
struct Block {
  void* memory;
  std::size_t bytes;      // now
  std::size_t allocated;  // and what it gained where it lies
  std::size_t room;       // the most that it had, which it was drawn by
  bool shrank;
};

struct Truth {
  struct Sum {
    double amount = 0;
    double variance = 0;
  };

  // What an estimate of `amount` for a block adds to the variance: amount^2 (1 - p) / p.
  void add(Quantity quantity, double amount, const Block& block) {
    const double p = -std::expm1(-static_cast<double>(block.room) / static_cast<double>(interval));
    sums[quantity].amount += amount;
    sums[quantity].variance += amount * amount * (1 - p) / p;
  }
  void note_allocated(const Block& block) {
    add(kObjects, 1, block);
    add(kBytes, static_cast<double>(block.allocated), block);
  }
  void note_live(const Block& block) {
    add(kLiveObjects, 1, block);
    add(kLiveBytes, static_cast<double>(block.bytes), block);
  }
  void add(const Truth& other) {
    for (std::size_t i = 0; i < kQuantities; ++i) {
      sums[i].amount += other.sums[i].amount;
      sums[i].variance += other.sums[i].variance;
    }
  }

  std::uint64_t interval;
  std::array<Sum, kQuantities> sums{};
};

// One thread that works, and counts what becomes of the blocks that it lets go. A block that
// is handed over takes its history along.
class Worker {
 public:
  Worker(Allocator& allocator, const Mixture& mixture, std::uint64_t seed)
      : allocator_(allocator), mixture_(mixture), random_(seed), thread_(allocator) {
    truth.interval = mixture.interval;
  }

  // One step; what is to be freed by another thread goes into `others`.
  void step(std::vector<Block>& others) {
    const std::size_t choice = random_.below(8);
    if (choice == 0 && !blocks_.empty()) return resize(pick());
    blocks_.push_back(choice == 1 ? take_aligned() : take(some_bytes()));
    if (random_.one_in(3)) return;
    std::swap(pick(), blocks_.back());
    const Block block = blocks_.back();
    blocks_.pop_back();
    if (random_.one_in(3)) {
      others.push_back(block);
    } else {
      free(block);
    }
  }

  void free(const Block& block) {
    truth.note_allocated(block);
    thread_.deallocate(block.memory);
  }

  // Counts what lives as such; free_all() is for after the profile.
  void settle() {
    for (const Block& block : blocks_) {
      truth.note_allocated(block);
      truth.note_live(block);
    }
  }
  void free_all() {
    for (const Block& block : blocks_) thread_.deallocate(block.memory);
  }

  Truth truth{};

 private:
  [[nodiscard]] Block& pick() { return blocks_[random_.below(blocks_.size())]; }

  [[nodiscard]] std::size_t some_bytes() {
    const std::size_t least = std::size_t{1} << random_.between(mixture_.first, mixture_.last - 1);
    return least + random_.below(least) + 1;
  }

  [[nodiscard]] Block known(void* memory, std::size_t bytes) const {
    EXPECT_NE(memory, nullptr);
    return {memory, bytes, bytes, allocator_.usable_bytes(memory), false};
  }
  [[nodiscard]] Block take(std::size_t bytes) { return known(thread_.allocate(bytes), bytes); }
  // With sizes that the alignment divides, as memalign() makes them.
  [[nodiscard]] Block take_aligned() {
    const std::size_t alignment = std::size_t{32} << random_.below(9);
    const std::size_t bytes = round_up(some_bytes(), alignment);
    return known(thread_.allocate_aligned(alignment, bytes), bytes);
  }

  // As realloc(), but for the contents. What shrank where it lies does not grow again there:
  // see UnbiasedSawtooth.
  void resize(Block& block) {
    const std::size_t bytes = some_bytes_for(block);
    void* memory = allocator_.fits(block.memory, bytes)
                       ? block.memory
                       : allocator_.resize(&thread_.heap(), block.memory, bytes);
    if (memory == nullptr) {
      free(block);
      block = take(bytes);
      return;
    }
    const std::size_t room = allocator_.usable_bytes(memory);
    block.memory = memory;
    if (bytes > block.bytes) block.allocated += bytes - block.bytes;
    if (room > block.room) block.room = room;
    block.shrank = block.shrank || room < block.room;
    block.bytes = bytes;
  }
  [[nodiscard]] std::size_t some_bytes_for(const Block& block) {
    if (block.shrank) return block.bytes - random_.below(block.bytes / 2);
    switch (random_.below(3)) {
      case 0:
        return block.bytes + random_.below(block.bytes) + 1;
      case 1:
        return block.bytes - random_.below(block.bytes / 2 + 1) + (block.bytes == 1 ? 1 : 0);
      default:
        return some_bytes();
    }
  }

  Allocator& allocator_;
  const Mixture& mixture_;
  Random random_;
  TestThread thread_;
  std::vector<Block> blocks_;
};

constexpr std::size_t kWorkers = 3;
using Errors = std::array<double, kQuantities>;

// An allocator with a profiler whose draws follow from the seed.
struct Run {
  Run(const Mixture& mixture, std::uint64_t seed) {
    truth.interval = mixture.interval;
    EXPECT_TRUE(fixture.profiler.start(mixture.interval, {std::size_t{8} << 20, 4}));
    fixture.allocator.set_sampling_interval(mixture.interval, seed * 0x2545f4914f6cdd1d);
    for (std::uint64_t i = 0; i < kWorkers; ++i)
      workers[i] = std::make_unique<Worker>(fixture.allocator, mixture, seed * kWorkers + i);
  }
  ~Run() {
    for (const auto& worker : workers) worker->free_all();
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // In standard deviations.
  [[nodiscard]] Errors errors() {
    for (const auto& worker : workers) {
      worker->settle();
      truth.add(worker->truth);
    }
    const Found found = look(fixture.profiler);
    EXPECT_EQ(found.dropped, 0U);
    const std::array<double, kQuantities> estimates = {
        found.totals.allocated.objects, found.totals.allocated.bytes, found.totals.live.objects,
        found.totals.live.bytes};
    Errors errors;
    for (std::size_t i = 0; i < kQuantities; ++i)
      errors[i] = (estimates[i] - truth.sums[i].amount) / std::sqrt(truth.sums[i].variance);
    return errors;
  }

  test::Profiled fixture{0};
  Truth truth{};
  std::array<std::unique_ptr<Worker>, kWorkers> workers;
};

// The threads take turns, so that what happens follows from the seed.
[[nodiscard]] Errors in_turns(const Mixture& mixture, std::uint64_t seed) {
  Run run(mixture, seed);
  std::vector<Block> handed_over;
  for (int i = 0; i < mixture.steps; ++i) {
    Worker& worker = *run.workers[static_cast<std::size_t>(i) % kWorkers];
    for (const Block& block : handed_over) worker.free(block);
    handed_over.clear();
    worker.step(handed_over);
  }
  for (const Block& block : handed_over) run.workers[0]->free(block);
  return run.errors();
}

[[nodiscard]] int seeds() {
  const char* wanted = std::getenv("LUNA_SEEDS");
  return wanted != nullptr && std::atoi(wanted) > 0 ? std::atoi(wanted) : 60;
}

// The mean error of many runs has a standard deviation of one over the root of their number,
// so that a bias far below the spread of one run is seen. `bound` counts these.
template <typename Make>
void expect_unbiased(const Mixture& mixture, double bound, Make make) {
  const int count = seeds();
  Errors sums{};
  std::array<int, kQuantities> far{};
  for (int seed = 1; seed <= count; ++seed) {
    const Errors errors = make(mixture, static_cast<std::uint64_t>(seed));
    for (std::size_t i = 0; i < kQuantities; ++i) {
      sums[i] += errors[i];
      if (std::abs(errors[i]) > 3) ++far[i];
    }
  }
  for (std::size_t i = 0; i < kQuantities; ++i) {
    const double mean = sums[i] / std::sqrt(count);
    std::printf("%-12s mean error %+5.2f sigma, %d of %d beyond 3\n", kNames[i], mean, far[i],
                count);
    EXPECT_LT(std::abs(mean), bound) << kNames[i];
    // Of few runs, three may be far by chance in one of the twenty quantities.
    EXPECT_LE(far[i], bound > 3 ? count / 10 : count < 200 ? 3 : count / 100) << kNames[i];
  }
}

TEST(Unbiased, SmallBlocks) { expect_unbiased(kSmall, 3, in_turns); }
TEST(Unbiased, RunsOfPages) { expect_unbiased(kRuns, 3, in_turns); }
TEST(Unbiased, Spans) { expect_unbiased(kSpans, 3, in_turns); }
TEST(Unbiased, AllSizes) { expect_unbiased(kAll, 3, in_turns); }

// A block that another thread is to free, or nullptr.
using Places = std::array<std::atomic<Block*>, 16>;

// What happens follows from the scheduler too, so that no seed makes it come again.
[[nodiscard]] Errors at_once(const Mixture& mixture, std::uint64_t seed) {
  Run run(mixture, seed);
  Places places{};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      Worker& worker = *run.workers[i];
      Random random(seed * 1000 + i);
      std::vector<Block> others;
      for (int step = 0; step < mixture.steps / 3; ++step) {
        worker.step(others);
        for (const Block& block : others) {
          auto* put = new Block(block);
          const std::unique_ptr<Block> got(places[random.below(places.size())].exchange(put));
          if (got != nullptr) worker.free(*got);
        }
        others.clear();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<Block*>& place : places)
    if (const std::unique_ptr<Block> left(place.exchange(nullptr)); left != nullptr)
      run.workers[0]->free(*left);
  return run.errors();
}

// Since it is another run each time, the bound is one that chance exceeds in no lifetime.
TEST(Unbiased, ThreadsAtOnce) { expect_unbiased(kSmall, 5, at_once); }

// Blocks of pages that lose some where they lie, and gain them again there: as if they were
// drawn once.
[[nodiscard]] Errors sawtooth(const Mixture& mixture, std::uint64_t seed) {
  constexpr int kBlocks = 100;
  constexpr int kTeeth = 10;
  Run run(mixture, seed);
  TestThread& thread = run.fixture.thread;
  std::vector<Block> blocks;
  for (int i = 0; i < kBlocks; ++i) {
    Block block = {thread.allocate(100 << 10), 100 << 10, 100 << 10, 0, false};
    for (int k = 0; k < 2 * kTeeth; ++k) {
      const std::size_t bytes = (k % 2 == 0 ? std::size_t{40} : 100) << 10;
      EXPECT_EQ(run.fixture.allocator.resize(&thread.heap(), block.memory, bytes), block.memory);
      if (k % 2 != 0) block.allocated += 60 << 10;
    }
    block.room = run.fixture.allocator.usable_bytes(block.memory);
    run.truth.note_allocated(block);
    run.truth.note_live(block);
    blocks.push_back(block);
  }
  const Errors errors = run.errors();
  for (const Block& block : blocks) thread.deallocate(block.memory);
  return errors;
}

// What was allocated is a sum over all teeth, with a variance of its own: only what lives is
// held against the formula.
TEST(UnbiasedSawtooth, ShrinkingAndGrowingInPlaceIsDrawnOnce) {
  const int count = seeds();
  double objects = 0;
  double bytes = 0;
  for (int seed = 1; seed <= count; ++seed) {
    const Errors errors = sawtooth(kRuns, static_cast<std::uint64_t>(seed));
    objects += errors[kLiveObjects] / std::sqrt(count);
    bytes += errors[kLiveBytes] / std::sqrt(count);
  }
  EXPECT_LT(std::abs(objects), 3);
  EXPECT_LT(std::abs(bytes), 3);
}

}  // namespace
}  // namespace luna
