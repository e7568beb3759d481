// SPDX-License-Identifier: MIT
// malloc_free/BYTES: how long does a malloc take that is freed at once? The best
// case of every allocator, by size, alone and with a second thread doing the same.
#include "keep.hpp"

#include <benchmark/benchmark.h>

namespace {

void malloc_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) bench::deallocate(bench::allocate(bytes));
}

// As above, with one byte written: without it, large blocks never cost a page fault.
void malloc_write_free(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = bench::allocate(bytes);
    *static_cast<volatile char*>(block) = 1;
    bench::deallocate(block);
  }
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (int64_t bytes : {8, 16, 32, 64, 100, 128, 256, 512, 1024, 2048, 4096, 8192, 10'000})
    bench->Arg(bytes);
  for (int64_t kibibytes : {16, 32, 64, 128, 256, 512, 1024, 2048, 8192, 32'768})
    bench->Arg(kibibytes << 10);
}

BENCHMARK(malloc_free)->Apply(sizes)->Threads(1)->Threads(2);
BENCHMARK(malloc_write_free)->RangeMultiplier(4)->Range(64, 32 << 20)->Threads(1);

}  // namespace
