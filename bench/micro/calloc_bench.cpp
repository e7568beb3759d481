// SPDX-License-Identifier: MIT
// calloc_free/BYTES: how long does zeroed memory take when the block before it was
// written to all over? The fresh variant leaves the block as it came.
#include "keep.hpp"

#include <benchmark/benchmark.h>

#include <cstring>

namespace {

void calloc_dirty_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = bench::keep(std::calloc(1, bytes));
    std::memset(block, 0xFF, bytes);
    bench::deallocate(block);
  }
}

void calloc_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) bench::deallocate(bench::keep(std::calloc(1, bytes)));
}

BENCHMARK(calloc_dirty_free)->RangeMultiplier(8)->Range(16, 8 << 20)->Threads(1);
BENCHMARK(calloc_free)->RangeMultiplier(8)->Range(16, 8 << 20)->Threads(1);

}  // namespace
