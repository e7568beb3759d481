// SPDX-License-Identifier: MIT
// thread_start/BLOCKS: how long does a thread take that starts, allocates and frees
// that many blocks, and ends? With 0 it shows what the thread costs by itself.
#include "keep.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <span>
#include <thread>

namespace {

constexpr std::size_t kMostBlocks = 100;

void allocate_all(std::size_t count) {
  std::array<void*, kMostBlocks> blocks{};
  const std::span<void*> used = std::span(blocks).first(count);
  std::size_t bytes = 16;
  for (void*& block : used) {
    block = bench::allocate(bytes);
    bytes = bytes * 9 / 8 % 2000 + 8;  // a spread of small sizes
  }
  for (void* block : used) bench::deallocate(block);
}

void thread_start(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) std::thread(allocate_all, count).join();
}

BENCHMARK(thread_start)->Arg(0)->Arg(1)->Arg(100)->UseRealTime();

}  // namespace
