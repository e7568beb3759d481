// SPDX-License-Identifier: MIT
// remote_free/BYTES: how long does a block take that one thread allocates and
// another frees? Thread 0 sends batches through a small ring, thread 1 frees them.
#include "keep.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <thread>

namespace {

constexpr std::size_t kBatchBlocks = 64;
constexpr std::size_t kRingBatches = 16;

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

// Both threads run the same number of iterations, so the ring is empty at the end.
void remote_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  if (state.thread_index() == 0) {
    for (auto _ : state) {
      Ring::Batch batch;
      for (void*& block : batch) block = bench::allocate(bytes);
      ring.put(batch);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatchBlocks));
    return;
  }
  for (auto _ : state)
    for (void* block : ring.take()) bench::deallocate(block);
}

BENCHMARK(remote_free)->Arg(16)->Arg(64)->Arg(256)->Arg(1024)->Arg(4096)->Threads(2)->UseRealTime();

}  // namespace
