// SPDX-License-Identifier: MIT
// small_pairs: how fast are malloc and free of common small sizes in one thread,
// freed in the order of a stack, of a queue, and at random?
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <vector>

namespace {

constexpr std::size_t kRoundsPerOrder = 14'000'000;
constexpr std::size_t kQueueLength = 1000;
constexpr std::size_t kTableLength = 8000;
constexpr std::size_t kSizesDrawn = 4096;

// Sizes are drawn beforehand: the loops below measure malloc, not the generator.
std::vector<std::uint32_t> draw_sizes(bench::Random& random) {
  std::vector<std::uint32_t> sizes(kSizesDrawn);
  for (std::uint32_t& size : sizes) size = static_cast<std::uint32_t>(bench::small_size(random));
  return sizes;
}

// As nested calls do: allocate a few, free them in reverse.
std::uint64_t stack_order(bench::Random& random, const std::vector<std::uint32_t>& sizes,
                          std::size_t rounds) {
  std::uint64_t sum = 0;
  std::vector<bench::Block*> stack(64);
  for (std::size_t round = 0; round < rounds;) {
    const std::size_t depth = random.between(1, stack.size());
    for (std::size_t i = 0; i < depth; ++i)
      stack[i] = bench::make_block(sizes[(round + i) % kSizesDrawn], round + i);
    for (std::size_t i = depth; i > 0; --i) sum += bench::drop_block(stack[i - 1]);
    round += depth;
  }
  return sum;
}

// As a queue of messages does: what was allocated first is freed first.
std::uint64_t queue_order(const std::vector<std::uint32_t>& sizes, std::size_t rounds) {
  std::uint64_t sum = 0;
  std::vector<bench::Block*> queue(kQueueLength);
  for (std::size_t round = 0; round < rounds; ++round) {
    bench::Block*& oldest = queue[round % kQueueLength];
    sum += bench::drop_block(oldest);
    oldest = bench::make_block(sizes[round % kSizesDrawn], round);
  }
  for (bench::Block* block : queue) sum += bench::drop_block(block);
  return sum;
}

// As a cache of objects does: any block may go next.
std::uint64_t random_order(bench::Random& random, const std::vector<std::uint32_t>& sizes,
                           std::size_t rounds) {
  std::uint64_t sum = 0;
  std::vector<bench::Block*> table(kTableLength);
  for (std::size_t round = 0; round < rounds; ++round) {
    bench::Block*& entry = table[random.below(kTableLength)];
    sum += bench::drop_block(entry);
    entry = bench::make_block(sizes[round % kSizesDrawn], round);
  }
  for (bench::Block* block : table) sum += bench::drop_block(block);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t rounds = arguments.scaled(kRoundsPerOrder);
  bench::Random random(7);
  const std::vector<std::uint32_t> sizes = draw_sizes(random);
  std::uint64_t checksum = stack_order(random, sizes, 2 * rounds);
  checksum += queue_order(sizes, rounds);
  checksum += random_order(random, sizes, rounds);
  return bench::print_result("small_pairs", checksum);
}
