// SPDX-License-Identifier: MIT
// batch_ORDER_BYTES: how long do malloc and free take, a pair, when a thousand
// blocks are allocated first and then freed in the given order?
// grow_1M_objs_32_then_free: the same with a million blocks, freed first to last.
#include "keep.hpp"
#include "line.hpp"
#include "sizes.hpp"

namespace {

using bench::Line;
using bench::Sample;

constexpr std::size_t kBlocks = 1000;
constexpr std::size_t kManyBlocks = 1'000'000;

using Order = std::array<std::uint32_t, kBlocks>;

Order fifo() {
  Order order{};
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

Order lifo() {
  Order order = fifo();
  std::reverse(order.begin(), order.end());
  return order;
}

Order same_sizes(std::size_t bytes) {
  Order sizes{};
  sizes.fill(static_cast<std::uint32_t>(bytes));
  return sizes;
}

Sample run(std::size_t rounds, const Order& sizes, const Order& order) {
  std::array<void*, kBlocks> blocks{};
  return bench::timed(rounds * kBlocks, [&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < kBlocks; ++i) blocks[i] = bench::allocate(sizes[i]);
      for (std::uint32_t index : order) bench::deallocate(blocks[index]);
    }
  });
}

Sample batch_fifo(const Line& line, std::size_t rounds) {
  return run(rounds, same_sizes(line.bytes), fifo());
}

Sample batch_lifo(const Line& line, std::size_t rounds) {
  return run(rounds, same_sizes(line.bytes), lifo());
}

Sample batch_rand(const Line& line, std::size_t rounds) {
  return run(rounds, same_sizes(line.bytes), bench::shuffled<kBlocks>());
}

Sample batch_rand_mixed(const Line& /*line*/, std::size_t rounds) {
  return run(rounds, bench::mixed_sizes<kBlocks>(), bench::shuffled<kBlocks>());
}

Sample grow_then_free(const Line& line, std::size_t rounds) {
  static std::array<void*, kManyBlocks> blocks;
  blocks.fill(nullptr);  // the page faults of the table come before the clock
  bench::keep(blocks.data());
  return bench::timed(rounds * kManyBlocks, [&] {
    for (std::size_t round = 0; round < rounds; ++round) {
      for (void*& block : blocks) block = bench::allocate(line.bytes);
      for (void* block : blocks) bench::deallocate(block);
    }
  });
}

constexpr Line kLines[] = {
    {"batch_fifo_16", batch_fifo, 16},
    {"batch_lifo_16", batch_lifo, 16},
    {"batch_rand_16", batch_rand, 16},
    {"batch_fifo_64", batch_fifo, 64},
    {"batch_lifo_64", batch_lifo, 64},
    {"batch_rand_64", batch_rand, 64},
    {"batch_fifo_256", batch_fifo, 256},
    {"batch_lifo_256", batch_lifo, 256},
    {"batch_rand_256", batch_rand, 256},
    {"batch_fifo_1024", batch_fifo, 1024},
    {"batch_lifo_1024", batch_lifo, 1024},
    {"batch_rand_1024", batch_rand, 1024},
    {"batch_fifo_4096", batch_fifo, 4096},
    {"batch_lifo_4096", batch_lifo, 4096},
    {"batch_rand_4096", batch_rand, 4096},
    {"batch_fifo_16384", batch_fifo, 16384},
    {"batch_lifo_16384", batch_lifo, 16384},
    {"batch_rand_16384", batch_rand, 16384},
    {"batch_rand_mixed_16_1024", batch_rand_mixed},
    {"grow_1M_objs_32_then_free", grow_then_free, 32},
};

}  // namespace

std::span<const Line> bench::batch_lines() { return kLines; }
