// SPDX-License-Identifier: MIT
// One thread only allocates, others only free, and the reverse: a million blocks pass while a
// few thousand are alive, so memory must not grow.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr int kBlocks = 300000;
constexpr std::size_t kAllowed = 32 * blocks::kMiB;

void pass(int producers, int consumers, std::size_t most) {
  static handover::Queue queue;
  std::vector<std::thread> producing;
  std::vector<std::thread> consuming;
  for (int self = 0; self < producers; ++self) {
    producing.emplace_back([=] {
      blocks::Random random(static_cast<std::uint64_t>(self) + most);
      for (int i = 0; i < kBlocks / producers; ++i) {
        queue.put(handover::make(random.below(most), random.below(255)));
      }
    });
  }
  for (int self = 0; self < consumers; ++self) {
    consuming.emplace_back([] {
      while (void* const block = queue.take()) handover::check_and_free(block);
    });
  }
  for (std::thread& thread : producing) thread.join();
  for (int self = 0; self < consumers; ++self) queue.put(nullptr);
  for (std::thread& thread : consuming) thread.join();
}

}  // namespace

int main() {
  expect::on_lunalloc();
  pass(1, 1, 64);
  const std::size_t before = measure::resident_bytes();

  pass(1, 1, 512);
  EXPECT(measure::resident_bytes() < before + kAllowed);
  pass(1, 3, 512);
  EXPECT(measure::resident_bytes() < before + kAllowed);
  pass(3, 1, 512);
  EXPECT(measure::resident_bytes() < before + kAllowed);
  pass(2, 2, 4000);
  EXPECT(measure::resident_bytes() < before + 2 * kAllowed);
  return 0;
}
