// SPDX-License-Identifier: MIT
// fragmentation: how much memory is lost when each generation of blocks has other
// sizes than the one before, and a few survivors of every generation stay in between?
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <vector>

namespace {

constexpr std::size_t kGenerations = 24;
constexpr std::size_t kBytesPerGeneration = std::size_t{32} << 20;
constexpr std::size_t kSurvivorBytes = std::size_t{12} << 20;

// Typical sizes wander from tiny to a few pages and back. Each generation mixes
// blocks around its own typical size with the small change that every program has.
std::size_t typical_size(std::size_t generation) {
  const std::size_t step = generation % 12;
  const std::size_t rise = step < 6 ? step : 12 - step;
  return std::size_t{24} << rise;  // 24 … 1536
}

std::size_t draw_size(bench::Random& random, std::size_t typical) {
  if (random.one_in(4)) return bench::small_size(random);
  if (random.one_in(400)) return random.between(8 * typical, 40 * typical);
  return random.between(typical / 2 + 8, 2 * typical);
}

class Survivors {
 public:
  explicit Survivors(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // Takes the block in, and lets random older ones go until all fit again.
  // Returns the tags of those that went.
  std::uint64_t admit(bench::Random& random, bench::Block* block) {
    std::uint64_t tags = 0;
    bytes_ += block->bytes;
    blocks_.push_back(block);
    while (bytes_ > limit_bytes_) {
      bench::Block*& leaving = blocks_[random.below(blocks_.size())];
      bytes_ -= leaving->bytes;
      tags += bench::drop_block(leaving);
      leaving = blocks_.back();
      blocks_.pop_back();
    }
    return tags;
  }

  std::uint64_t drop_all() {
    std::uint64_t tags = 0;
    for (bench::Block* block : blocks_) tags += bench::drop_block(block);
    blocks_.clear();
    return tags;
  }

 private:
  std::size_t limit_bytes_;
  std::size_t bytes_ = 0;
  std::vector<bench::Block*> blocks_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(41);
  Survivors survivors(arguments.scaled(kSurvivorBytes));
  std::vector<bench::Block*> generation;
  std::uint64_t checksum = 0;
  for (std::size_t number = 0; number < kGenerations; ++number) {
    const std::size_t typical = typical_size(number);
    for (std::size_t bytes = 0; bytes < arguments.scaled(kBytesPerGeneration);) {
      const std::size_t size = draw_size(random, typical);
      generation.push_back(bench::make_block(size, random.next() & 0xFFFFFFFF));
      bytes += size;
    }
    for (bench::Block* block : generation)
      checksum += random.one_in(12) ? survivors.admit(random, block) : bench::drop_block(block);
    generation.clear();
  }
  checksum += survivors.drop_all();
  return bench::print_result("fragmentation", checksum);
}
