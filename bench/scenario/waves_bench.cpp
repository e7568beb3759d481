// SPDX-License-Identifier: MIT
// waves: what does memory cost that comes and goes in waves, and how much of it stays
// behind? Short waves should not fault their pages in each time; what a rare high one
// took should go back. With --long there is a second between the high waves, and
// five at the end, so that the clock of an allocator gets its turn.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"
#include "resident.hpp"

#include <time.h>

#include <vector>

namespace {

constexpr std::size_t kBaseBytes = std::size_t{64} << 20;
constexpr std::size_t kShortRounds = 400;
constexpr std::size_t kShortBlocks = 4000;
constexpr std::size_t kShortSize = 3000;
constexpr std::size_t kHighWaves = 6;
constexpr std::size_t kHighBytes = 100'000'000;
constexpr std::size_t kStepsPerSecond = 100;
constexpr std::size_t kSecondsAtEnd = 5;

using Blocks = std::vector<bench::Block*>;

// 1 KiB to 256 KiB, as many blocks in each doubling as in the next.
std::size_t high_size(bench::Random& random) {
  const std::size_t low = std::size_t{1024} << random.below(8);
  return random.between(low, 2 * low);
}

std::uint64_t drop_all(Blocks& blocks) {
  std::uint64_t tags = 0;
  for (bench::Block* block : blocks) tags += bench::drop_block(block);
  blocks.clear();
  return tags;
}

std::uint64_t short_waves(std::size_t rounds, Blocks& blocks) {
  std::uint64_t tags = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < kShortBlocks; ++i)
      blocks.push_back(bench::make_block(kShortSize, round + i));
    tags += drop_all(blocks);
  }
  return tags;
}

// What a program does between its busy times: a few small blocks every 10 ms.
std::uint64_t ordinary_activity(std::size_t seconds, bool sleeps, bench::Random& random) {
  constexpr timespec kPause = {0, 1'000'000'000 / kStepsPerSecond};
  std::uint64_t tags = 0;
  for (std::size_t step = 0; step < seconds * kStepsPerSecond; ++step) {
    bench::Block* few[8];
    for (bench::Block*& block : few) block = bench::make_block(bench::small_size(random), step);
    for (bench::Block* block : few) tags += bench::drop_block(block);
    if (sleeps) nanosleep(&kPause, nullptr);
  }
  return tags;
}

std::uint64_t high_waves(std::size_t bytes_each, bool sleeps, Blocks& blocks) {
  bench::Random random(79);
  std::uint64_t tags = 0;
  for (std::size_t wave = 0; wave < kHighWaves; ++wave) {
    for (std::size_t bytes = 0; bytes < bytes_each; bytes += blocks.back()->bytes)
      blocks.push_back(bench::make_block(high_size(random), random.next() & 0xFFFFFFFF));
    tags += drop_all(blocks);
    if (wave + 1 < kHighWaves) tags += ordinary_activity(1, sleeps, random);
  }
  return tags + ordinary_activity(kSecondsAtEnd, sleeps, random);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(77);
  Blocks blocks;
  blocks.reserve(kShortBlocks);

  // What the program itself holds all the time.
  Blocks base;
  std::size_t live = 0;
  while (live < arguments.scaled(kBaseBytes)) {
    base.push_back(bench::make_block(bench::mixed_size(random), random.next() & 0xFFFFFFFF));
    live += base.back()->bytes;
  }
  live += (base.capacity() + blocks.capacity()) * sizeof(bench::Block*);

  const std::size_t faults_before = bench::minor_faults();
  std::uint64_t checksum = short_waves(arguments.scaled(kShortRounds), blocks);
  const std::size_t faults_between = bench::minor_faults();
  checksum += high_waves(arguments.scaled(kHighBytes), arguments.long_form, blocks);
  const std::size_t faults_after = bench::minor_faults();
  const auto resident = static_cast<double>(bench::resident_bytes());
  checksum += drop_all(base);

  bench::print_result("waves", checksum);
  std::printf("waves: %zu faults in short waves, %zu in high ones\n",
              faults_between - faults_before, faults_after - faults_between);
  std::printf("waves: RSS/live %.2f of %.0f MiB live at the end\n",
              resident / static_cast<double>(live), static_cast<double>(live) / bench::kMebibyte);
  return 0;
}
