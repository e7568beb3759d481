// SPDX-License-Identifier: MIT
// false_sharing_active: does malloc give two threads blocks of one cache line?
//
// Threads that start together allocate a few small blocks each, in turns, update
// them again and again, and free them. Shared lines make the updates many times slower.
#include "arguments.hpp"
#include "block.hpp"
#include "pinning.hpp"
#include "random.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <vector>

namespace {

constexpr std::size_t kTotalRounds = 300'000;
constexpr std::size_t kWritesPerBlock = 200;
constexpr std::size_t kBlocksPerRound = 3;

// Rounds start together now and then, so that the threads really allocate in turns.
constexpr std::size_t kRoundsBetweenMeetings = 2000;

// Counts as a reference count does: each step needs the cache line to itself, so
// that no store buffer can hide that another thread wants the line too.
std::uint64_t write_often(void* block) {
  auto& cell = *static_cast<std::uint32_t*>(block);
  cell = 0;
  std::atomic_ref<std::uint32_t> count(cell);
  for (std::size_t i = 0; i < kWritesPerBlock; ++i) count.fetch_add(1, std::memory_order_relaxed);
  return count.load(std::memory_order_relaxed);
}

std::uint64_t work(std::size_t rounds, std::uint64_t seed, std::barrier<>& meeting) {
  bench::Random random(seed);
  std::uint64_t sum = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    if (round % kRoundsBetweenMeetings == 0) meeting.arrive_and_wait();
    std::array<void*, kBlocksPerRound> blocks;
    const std::size_t bytes = random.between(8, 48);
    for (void*& block : blocks) {
      block = std::malloc(bytes);
      if (block == nullptr) bench::fail("malloc returned null");
    }
    for (void* block : blocks) sum += write_often(block);
    for (void* block : blocks) std::free(block);
  }
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t rounds = arguments.scaled(kTotalRounds) / arguments.threads;
  std::barrier meeting(static_cast<std::ptrdiff_t>(arguments.threads));
  std::atomic<std::uint64_t> checksum = 0;

  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < arguments.threads; ++i) {
    threads.emplace_back([&, i] {
      bench::pin_this_thread(i);
      checksum += work(rounds, i, meeting);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return bench::print_result("false_sharing_active", checksum);
}
