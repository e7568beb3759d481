// SPDX-License-Identifier: MIT
// realloc_MANNER/BYTES: how long does it take to grow one buffer from 16 bytes to
// BYTES, by doubling or in small steps, and to shrink it again?
#include "keep.hpp"

#include <benchmark/benchmark.h>

namespace {

// Writes the last byte, as an append would, so that new pages are really needed.
void* resize(void* block, std::size_t bytes) {
  block = bench::keep(std::realloc(block, bytes));
  static_cast<volatile char*>(block)[bytes - 1] = 1;
  return block;
}

void realloc_double(benchmark::State& state) {
  const auto last = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = nullptr;
    for (std::size_t bytes = 16; bytes <= last; bytes *= 2) block = resize(block, bytes);
    bench::deallocate(block);
  }
}

void realloc_step(benchmark::State& state) {
  const auto last = static_cast<std::size_t>(state.range(0));
  const std::size_t step = last / 64;
  for (auto _ : state) {
    void* block = nullptr;
    for (std::size_t bytes = step; bytes <= last; bytes += step) block = resize(block, bytes);
    bench::deallocate(block);
  }
}

void realloc_shrink(benchmark::State& state) {
  const auto first = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = resize(nullptr, first);
    for (std::size_t bytes = first / 2; bytes >= 16; bytes /= 2) block = resize(block, bytes);
    bench::deallocate(block);
  }
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (int64_t bytes : {1 << 10, 16 << 10, 256 << 10, 4 << 20, 32 << 20}) bench->Arg(bytes);
  bench->Threads(1);
}

BENCHMARK(realloc_double)->Apply(sizes);
BENCHMARK(realloc_step)->Apply(sizes);
BENCHMARK(realloc_shrink)->Apply(sizes);

}  // namespace
