// SPDX-License-Identifier: MIT
// batch_ORDER/BYTES: how long do malloc and free take, a pair, when a thousand
// blocks are allocated first and then freed in the given order?
#include "keep.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

namespace {

constexpr std::size_t kBlocks = 1000;

using Order = std::array<std::size_t, kBlocks>;

Order fifo() {
  Order order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  return order;
}

Order lifo() {
  Order order = fifo();
  std::reverse(order.begin(), order.end());
  return order;
}

Order shuffled() {
  Order order = fifo();
  std::shuffle(order.begin(), order.end(), std::mt19937(53));
  return order;
}

void run(benchmark::State& state, const Order& order) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::array<void*, kBlocks> blocks{};
  for (auto _ : state) {
    for (void*& block : blocks) block = bench::allocate(bytes);
    for (std::size_t index : order) bench::deallocate(blocks[index]);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlocks));
}

void batch_fifo(benchmark::State& state) { run(state, fifo()); }
void batch_lifo(benchmark::State& state) { run(state, lifo()); }
void batch_random(benchmark::State& state) { run(state, shuffled()); }

void sizes(benchmark::internal::Benchmark* bench) {
  for (int64_t bytes : {16, 64, 256, 1024, 3000, 16 << 10}) bench->Arg(bytes);
  bench->Threads(1);
}

BENCHMARK(batch_fifo)->Apply(sizes);
BENCHMARK(batch_lifo)->Apply(sizes);
BENCHMARK(batch_random)->Apply(sizes);

}  // namespace
