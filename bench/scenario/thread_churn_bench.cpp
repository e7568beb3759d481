// SPDX-License-Identifier: MIT
// thread_churn: what does it cost to start and end threads that allocate a little,
// and does memory stay flat over tens of thousands of them?
//
// Each thread leaves a few blocks behind, which the thread after next frees: the
// memory of threads that have ended must find its way back into use.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <array>
#include <vector>

namespace {

constexpr std::size_t kThreads = 16'000;
constexpr std::size_t kAtOnce = 4;
constexpr std::size_t kBlocks = 120;
constexpr std::size_t kLeftBehind = 10;

using Legacy = std::array<bench::Block*, kLeftBehind>;

struct Task {
  std::uint64_t seed = 0;
  Legacy legacy{};  // in: to free; out: what this thread leaves behind
  std::uint64_t freed_tags = 0;
};

void run(Task& task) {
  bench::Random random(task.seed);
  std::array<bench::Block*, kBlocks> blocks;
  for (bench::Block*& block : blocks)
    block = bench::make_block(bench::mixed_size(random), random.next() & 0xFFFFFFFF);
  for (bench::Block*& block : task.legacy) {
    task.freed_tags += bench::drop_block(block);
    block = nullptr;
  }
  for (std::size_t i = 0; i < kBlocks; ++i) {
    if (i < kLeftBehind)
      task.legacy[i] = blocks[i];
    else
      task.freed_tags += bench::drop_block(blocks[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t waves = arguments.scaled(kThreads) / kAtOnce;
  std::array<Task, kAtOnce> tasks;
  for (std::size_t wave = 0; wave < waves; ++wave) {
    std::array<std::thread, kAtOnce> threads;
    for (std::size_t i = 0; i < kAtOnce; ++i) {
      tasks[i].seed = wave * kAtOnce + i;
      threads[i] = std::thread(run, std::ref(tasks[i]));
    }
    for (std::thread& thread : threads) thread.join();
    std::swap(tasks[0].legacy, tasks[wave % kAtOnce].legacy);
  }

  std::uint64_t checksum = 0;
  for (Task& task : tasks) {
    checksum += task.freed_tags;
    for (bench::Block* block : task.legacy) checksum += bench::drop_block(block);
  }
  return bench::print_result("thread_churn", checksum);
}
