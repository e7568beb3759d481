// SPDX-License-Identifier: MIT
// aligned/ALIGNMENT/BYTES: what does an alignment cost beyond a plain malloc?
// usable_size/BYTES: how long does it take to ask a block for its size?
#include "keep.hpp"

#include <benchmark/benchmark.h>
#include <malloc.h>

namespace {

void aligned(benchmark::State& state) {
  const auto alignment = static_cast<std::size_t>(state.range(0));
  const auto bytes = static_cast<std::size_t>(state.range(1));
  for (auto _ : state) bench::deallocate(bench::keep(memalign(alignment, bytes)));
}

void usable_size(benchmark::State& state) {
  void* block = bench::allocate(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(bench::keep(block)));
  bench::deallocate(block);
}

BENCHMARK(aligned)
    ->ArgsProduct({{32, 64, 256, 4096, 65536}, {64, 1000, 5000, 100'000}})
    ->Threads(1);
BENCHMARK(usable_size)->Arg(16)->Arg(1000)->Arg(100'000)->Arg(10 << 20)->Threads(1);

}  // namespace
