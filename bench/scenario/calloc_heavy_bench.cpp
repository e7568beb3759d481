// SPDX-License-Identifier: MIT
// calloc_heavy: what does zeroed memory cost, small and large, fresh and recycled?
// An allocator that knows which pages nobody wrote to need not clear them.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <vector>

namespace {

constexpr std::size_t kSmallRounds = 9'000'000;
constexpr std::size_t kTableRounds = 4'000;
constexpr std::size_t kSmallLive = 20'000;
constexpr std::size_t kTablesLive = 12;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

struct Zeroed {
  unsigned char* start = nullptr;
  std::size_t bytes = 0;
};

Zeroed allocate(std::size_t bytes) {
  auto* start = static_cast<unsigned char*>(std::calloc(1, bytes));
  if (start == nullptr) bench::fail("calloc returned null");
  return {start, bytes};
}

void check_zero(const Zeroed& block, std::size_t offset) {
  if (block.start[offset] != 0) bench::fail("calloc returned memory that is not zero");
}

// Objects of an interpreter or a kernel-like program: small, zeroed, then filled.
std::uint64_t small_objects(bench::Random& random, std::size_t rounds) {
  std::vector<Zeroed> live(kSmallLive);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    Zeroed& block = live[random.below(kSmallLive)];
    sum += block.bytes;
    std::free(block.start);
    block = allocate(bench::small_size(random));
    check_zero(block, block.bytes / 2);
    check_zero(block, block.bytes - 1);
    std::memset(block.start, 0xFF, block.bytes);
  }
  for (const Zeroed& block : live) std::free(block.start);
  return sum;
}

// Sparse tables and fresh buffers of 16 KiB to 8 MiB, of which a part gets used.
std::uint64_t tables(bench::Random& random, std::size_t rounds) {
  std::vector<Zeroed> live(kTablesLive);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < rounds; ++i) {
    Zeroed& table = live[random.below(kTablesLive)];
    sum += table.bytes;
    std::free(table.start);
    const std::size_t limit = random.one_in(8) ? 8 * kMegabyte : kMegabyte / 2;
    table = allocate(random.between(16 * 1024, limit));
    const std::size_t uses = table.bytes / bench::kPageBytes / 8;
    for (std::size_t use = 0; use < uses; ++use) {
      unsigned char& cell = table.start[random.below(table.bytes)];
      if (cell > 1) bench::fail("calloc returned memory that is not zero");
      cell = 1;
    }
  }
  for (const Zeroed& table : live) std::free(table.start);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(37);
  std::uint64_t checksum = small_objects(random, arguments.scaled(kSmallRounds));
  checksum += tables(random, arguments.scaled(kTableRounds));
  return bench::print_result("calloc_heavy", checksum);
}
