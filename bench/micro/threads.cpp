// SPDX-License-Identifier: MIT
// xthread_1p1c_BYTES: how long does a block take that one thread allocates and
// another frees? The blocks go in batches through a small ring.
// thread_create_100malloc: how long does a thread take that starts, allocates and
// frees a hundred blocks of mixed sizes, and ends?
#include "keep.hpp"
#include "line.hpp"
#include "sizes.hpp"

#include <atomic>
#include <thread>

namespace {

using bench::Line;
using bench::Sample;

constexpr std::size_t kBatchBlocks = 64;
constexpr std::size_t kRingBatches = 16;
constexpr std::size_t kThreadBlocks = 100;

using Sizes = std::array<std::uint32_t, kBatchBlocks * kRingBatches>;

// One producer, one consumer. A full ring makes the producer wait: the live set is bounded.
class Ring {
 public:
  using Batch = std::array<void*, kBatchBlocks>;

  void put(const Batch& batch) {
    const std::size_t place = written_.load(std::memory_order_relaxed);
    // pairs with the release in take(): the place has been read before it is reused
    while (place - read_.load(std::memory_order_acquire) == kRingBatches) std::this_thread::yield();
    ring_[place % kRingBatches] = batch;
    written_.store(place + 1, std::memory_order_release);  // pairs with the acquire in take()
  }

  Batch take() {
    const std::size_t place = read_.load(std::memory_order_relaxed);
    // pairs with the release in put(): the batch is complete
    while (written_.load(std::memory_order_acquire) == place) std::this_thread::yield();
    const Batch batch = ring_[place % kRingBatches];
    read_.store(place + 1, std::memory_order_release);  // pairs with the acquire in put()
    return batch;
  }

 private:
  alignas(64) std::atomic<std::size_t> written_ = 0;
  alignas(64) std::atomic<std::size_t> read_ = 0;
  alignas(64) std::array<Batch, kRingBatches> ring_{};
};

Ring ring;

// The ring is empty at the end, as both sides count to the same number.
Sample send(const Sizes& sizes, std::size_t rounds) {
  const auto receive = [rounds] {
    for (std::size_t round = 0; round < rounds; ++round)
      for (void* block : ring.take()) bench::deallocate(block);
  };
  return bench::timed(rounds * kBatchBlocks, [&] {
    std::thread receiver(receive);
    for (std::size_t round = 0; round < rounds; ++round) {
      const std::size_t first = round % kRingBatches * kBatchBlocks;
      Ring::Batch batch;
      for (std::size_t i = 0; i < kBatchBlocks; ++i) batch[i] = bench::allocate(sizes[first + i]);
      ring.put(batch);
    }
    receiver.join();
  });
}

Sample xthread(const Line& line, std::size_t rounds) {
  Sizes sizes;
  sizes.fill(static_cast<std::uint32_t>(line.bytes));
  return send(sizes, rounds);
}

Sample xthread_mixed(const Line& /*line*/, std::size_t rounds) {
  return send(bench::mixed_sizes<Sizes{}.size()>(), rounds);
}

Sample thread_create(const Line& /*line*/, std::size_t rounds) {
  const auto sizes = bench::mixed_sizes<kThreadBlocks>();
  const auto live = [&sizes] {
    std::array<void*, kThreadBlocks> blocks;
    for (std::size_t i = 0; i < kThreadBlocks; ++i) blocks[i] = bench::allocate(sizes[i]);
    for (void* block : blocks) bench::deallocate(block);
  };
  return bench::timed(rounds, [&] {
    for (std::size_t i = 0; i < rounds; ++i) std::thread(live).join();
  });
}

constexpr Line kLines[] = {
    {"xthread_1p1c_64", xthread, 64},
    {"xthread_1p1c_1024", xthread, 1024},
    {"xthread_1p1c_mixed", xthread_mixed},
    {"thread_create_100malloc", thread_create},
};

}  // namespace

std::span<const Line> bench::thread_lines() { return kLines; }
