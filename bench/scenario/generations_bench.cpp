// SPDX-License-Identifier: MIT
// generations: how much memory stands behind the live blocks when every generation
// has other sizes than the last one and keeps an eighth of its blocks? In two forms:
// sizes that double from one to the next, and sizes that grow by an eighth. With
// --long, generations are of 64 MiB instead of 24.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"
#include "resident.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <utility>

namespace {

constexpr std::size_t kBytesPerGeneration = std::size_t{24} << 20;
constexpr std::size_t kLongBytesPerGeneration = std::size_t{64} << 20;
constexpr std::size_t kKeepOneIn = 8;
constexpr std::size_t kDoublings = 11;  // 16 bytes … 16 KiB, then from the start
constexpr std::size_t kRounds = 3;
constexpr std::size_t kShifts = 40;      // 64 bytes … 6.2 KiB
constexpr std::size_t kShiftedLow = 64;  // from here on, an eighth is a class or more

// The link lies in the block, so that nothing but the blocks takes memory.
struct Block {
  Block* next;
  std::size_t bytes;  // the whole block, this header included
};

// Blocks in the order in which they were made. Owns them: empty it with drop_all().
class Chain {
 public:
  void append(std::size_t bytes) {
    auto* const block = static_cast<Block*>(std::malloc(bytes));
    if (block == nullptr) bench::fail("malloc returned null");
    *block = {nullptr, bytes};
    std::memset(block + 1, static_cast<int>(bytes & 0xFF), bytes - sizeof(Block));
    *end_ = block;
    end_ = &block->next;
    bytes_ += bytes;
  }

  // Returns a sum over the blocks.
  std::uint64_t drop_all() {
    std::uint64_t sum = 0;
    for (Block* block = first_; block != nullptr;) {
      const auto* const raw = reinterpret_cast<const unsigned char*>(block);
      const std::size_t bytes = block->bytes;
      if (bytes > sizeof(Block) && raw[bytes - 1] != static_cast<unsigned char>(bytes))
        bench::fail("a block was overwritten");
      sum = sum * 31 + bytes;
      std::free(std::exchange(block, block->next));
    }
    first_ = nullptr;
    end_ = &first_;
    bytes_ = 0;
    return sum;
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  Block* first_ = nullptr;
  Block** end_ = &first_;
  std::size_t bytes_ = 0;
};

// Each generation keeps a random eighth of its blocks; what the last but one kept goes
// when a new one has come, so that two eighths are live between generations.
class Generations {
 public:
  explicit Generations(std::size_t bytes_each) : bytes_each_(bytes_each) {}

  // One generation with blocks of low to high bytes. Live memory peaks before its frees.
  void pass(std::size_t low, std::size_t high) {
    Chain& kept = kept_[number_ % 3];
    Chain& last = kept_[(number_ + 2) % 3];
    Chain& last_but_one = kept_[(number_ + 1) % 3];
    Chain doomed;
    while (doomed.bytes() + kept.bytes() < bytes_each_) {
      const std::size_t bytes = std::max(random_.between(low, high), sizeof(Block));
      (random_.one_in(kKeepOneIn) ? kept : doomed).append(bytes);
    }
    checksum_ += doomed.drop_all();
    checksum_ += last_but_one.drop_all();
    ++number_;
    if (number_ < 2) return;  // half of what is live later
    const auto live = static_cast<double>(kept.bytes() + last.bytes());
    worst_ = std::max(worst_, static_cast<double>(bench::resident_bytes()) / live);
  }

  // Lets go of everything. Returns a sum over all blocks there were.
  std::uint64_t drop_all() {
    for (Chain& chain : kept_) checksum_ += chain.drop_all();
    return checksum_;
  }

  // The highest ratio of resident to live bytes that was seen after a generation's frees.
  [[nodiscard]] double worst() const { return worst_; }

 private:
  std::size_t bytes_each_;
  bench::Random random_{73};
  Chain kept_[3];
  std::size_t number_ = 0;
  std::uint64_t checksum_ = 0;
  double worst_ = 0;
};

using Form = void (*)(Generations&);

void double_sizes(Generations& generations) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t doubling = 0; doubling < kDoublings; ++doubling) {
      const std::size_t high = std::size_t{16} << doubling;
      generations.pass(high / 2, high);
    }
  }
}

void shift_sizes(Generations& generations) {
  std::size_t size = kShiftedLow;
  for (std::size_t shift = 0; shift < kShifts; ++shift) {
    generations.pass(size, size);
    size += size / 8;
  }
}

struct Outcome {
  std::uint64_t checksum;
  double worst;
};

// In a process of its own: no form meets the memory that another one left.
Outcome in_a_child(Form form, std::size_t bytes_each) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) bench::fail("no pipe");
  const pid_t child = fork();
  if (child < 0) bench::fail("no child");
  if (child == 0) {
    Generations generations(bytes_each);
    form(generations);
    const Outcome outcome = {generations.drop_all(), generations.worst()};
    _exit(write(pipe_ends[1], &outcome, sizeof outcome) == sizeof outcome ? 0 : 1);
  }
  int status = 0;
  Outcome outcome{};
  if (waitpid(child, &status, 0) != child || status != 0) bench::fail("a child failed");
  if (read(pipe_ends[0], &outcome, sizeof outcome) != sizeof outcome) bench::fail("no outcome");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t bytes_each =
      arguments.scaled(arguments.long_form ? kLongBytesPerGeneration : kBytesPerGeneration);
  const Outcome doubling = in_a_child(double_sizes, bytes_each);
  const Outcome shifting = in_a_child(shift_sizes, bytes_each);

  bench::print_result("generations", doubling.checksum + shifting.checksum);
  std::printf("generations: worst RSS/live %.2f (doubling %.2f, shifting %.2f)\n",
              std::max(doubling.worst, shifting.worst), doubling.worst, shifting.worst);
  return 0;
}
