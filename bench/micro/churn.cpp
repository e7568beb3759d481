// SPDX-License-Identifier: MIT
// churn_16_1024: how long does it take to replace a block by another when ten
// thousand are in use, the place and the size are random, and neighbours are of
// other ages? churn_2thr_16_1024: and when a second thread does so with its own?
#include "keep.hpp"
#include "line.hpp"
#include "sizes.hpp"

#include <atomic>
#include <thread>

namespace {

using bench::Line;
using bench::Sample;

constexpr std::size_t kSlots = 10'000;
constexpr std::size_t kSteps = 1 << 16;
constexpr unsigned kThreads = 2;

struct Step {
  std::uint16_t slot;
  std::uint16_t bytes;
};

using Steps = std::array<Step, kSteps>;
using Slots = std::array<void*, kSlots>;

Steps random_steps() {
  std::mt19937 random(97);
  Steps steps;
  for (Step& step : steps)
    step = {static_cast<std::uint16_t>(random() % kSlots),
            static_cast<std::uint16_t>(bench::mixed_size(random))};
  return steps;
}

const Steps& steps() {
  static const Steps kept = random_steps();
  return kept;
}

void fill(Slots& slots) {
  for (std::size_t i = 0; i < kSlots; ++i) slots[i] = bench::allocate(steps()[i].bytes);
}

void drain(const Slots& slots) {
  for (void* block : slots) bench::deallocate(block);
}

Sample replace(Slots& slots, std::size_t rounds) {
  const Steps& all = steps();
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      const Step step = all[i % kSteps];
      bench::deallocate(slots[step.slot]);
      slots[step.slot] = bench::allocate(step.bytes);
    }
  });
}

Sample churn(const Line& /*line*/, std::size_t rounds) {
  static Slots slots;
  fill(slots);
  const Sample sample = replace(slots, rounds);
  drain(slots);
  return sample;
}

// Each thread has its own table and its own clock; both start when both tables are full.
Sample churn_in_threads(const Line& /*line*/, std::size_t rounds) {
  static std::array<Slots, kThreads> tables;
  std::array<Sample, kThreads> samples;
  std::atomic<unsigned> ready = 0;
  const auto work = [&](unsigned index) {
    fill(tables[index]);
    ++ready;
    while (ready.load() < kThreads) std::this_thread::yield();
    samples[index] = replace(tables[index], rounds);
    drain(tables[index]);
  };
  std::thread other(work, 1U);
  work(0);
  other.join();
  return {samples[0].ns + samples[1].ns, samples[0].operations + samples[1].operations};
}

constexpr Line kLines[] = {
    {"churn_16_1024", churn},
    {"churn_2thr_16_1024", churn_in_threads},
};

}  // namespace

std::span<const Line> bench::churn_lines() { return kLines; }
