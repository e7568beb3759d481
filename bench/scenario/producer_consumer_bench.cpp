// SPDX-License-Identifier: MIT
// producer_consumer: what does it cost when one half of the threads only
// allocates small blocks and the other half only frees them?
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace {

constexpr std::size_t kTotalBlocks = 10'000'000;
constexpr std::size_t kBatchBlocks = 256;
constexpr std::size_t kQueueBatches = 32;

using Batch = std::array<bench::Block*, kBatchBlocks>;

// A bounded queue between one producer and one consumer. The bound keeps the live
// set, and with it the RSS, independent of how the two are scheduled.
class Queue {
 public:
  void put(const Batch& batch) {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return filled_ < kQueueBatches; });
    ring_[(first_ + filled_++) % kQueueBatches] = batch;
    changed_.notify_one();
  }

  void take(Batch& batch) {
    std::unique_lock guard(lock_);
    changed_.wait(guard, [this] { return filled_ > 0; });
    batch = ring_[first_];
    first_ = (first_ + 1) % kQueueBatches;
    --filled_;
    changed_.notify_one();
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::array<Batch, kQueueBatches> ring_;
  std::size_t first_ = 0;
  std::size_t filled_ = 0;
};

struct Pair {
  Queue queue;
  std::uint64_t freed_tags = 0;
};

void produce(Pair& pair, std::uint64_t seed, std::size_t batches) {
  bench::Random random(seed);
  Batch batch;
  for (std::size_t i = 0; i < batches; ++i) {
    for (bench::Block*& block : batch)
      block = bench::make_block(bench::small_size(random), random.next() & 0xFFFFFFFF);
    pair.queue.put(batch);
  }
}

void consume(Pair& pair, std::size_t batches) {
  Batch batch;
  for (std::size_t i = 0; i < batches; ++i) {
    pair.queue.take(batch);
    for (bench::Block* block : batch) pair.freed_tags += bench::drop_block(block);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t pair_count = std::max(1U, arguments.threads / 2);
  const std::size_t batches = arguments.scaled(kTotalBlocks) / kBatchBlocks / pair_count;

  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < pair_count; ++i) {
    Pair& pair = *pairs.emplace_back(std::make_unique<Pair>());
    threads.emplace_back(produce, std::ref(pair), i, batches);
    threads.emplace_back(consume, std::ref(pair), batches);
  }
  for (std::thread& thread : threads) thread.join();

  std::uint64_t checksum = 0;
  for (const auto& pair : pairs) checksum += pair->freed_tags;
  return bench::print_result("producer_consumer", checksum);
}
