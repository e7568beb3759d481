// SPDX-License-Identifier: MIT
// server: what does a long-running server cost, whose worker threads hand blocks
// to each other and are replaced by fresh threads now and then?
//
// Each line of workers owns a table of live blocks. A worker replaces random
// entries, passes every eighth block to another line, and after a while starts a
// successor and ends: the successor frees what its predecessor allocated.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <atomic>
#include <latch>
#include <memory>
#include <vector>

namespace {

constexpr std::size_t kTableEntries = 4000;
constexpr std::size_t kGenerations = 30;
constexpr std::size_t kTotalOperations = 24'000'000;

struct Line;

// What all lines share. A mailbox holds one block on its way to another line.
struct Server {
  std::vector<std::unique_ptr<Line>> lines;
  std::latch lines_left;
  std::size_t operations_per_generation;
};

struct Line {
  explicit Line(std::uint64_t seed) : random(seed), table(kTableEntries) {}

  bench::Random random;
  std::vector<bench::Block*> table;
  std::atomic<bench::Block*> mailbox = nullptr;
  std::size_t generations_left = kGenerations;
  std::uint64_t freed_tags = 0;
};

// Tags are summed where blocks are freed. Every block is freed once, so the sum
// over all lines does not depend on which line freed which block.
void serve(Server& server, Line& line) {
  for (std::size_t i = 0; i < server.operations_per_generation; ++i) {
    bench::Block* fresh =
        bench::make_block(bench::mixed_size(line.random), line.random.next() & 0xFFFFFFFF);
    bench::Block*& entry = line.table[line.random.below(kTableEntries)];
    if (i % 8 == 0) {
      Line& other = *server.lines[line.random.below(server.lines.size())];
      fresh = other.mailbox.exchange(fresh, std::memory_order_acq_rel);
      if (fresh == nullptr) continue;
    }
    line.freed_tags += bench::drop_block(entry);
    entry = fresh;
  }
}

void work(Server& server, Line& line) {
  serve(server, line);
  if (--line.generations_left > 0) {
    std::thread(work, std::ref(server), std::ref(line)).detach();
    return;
  }
  for (bench::Block* block : line.table) line.freed_tags += bench::drop_block(block);
  server.lines_left.count_down();
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t line_count = 2 * std::size_t{arguments.threads};
  Server server{{},
                std::latch(static_cast<std::ptrdiff_t>(line_count)),
                arguments.scaled(kTotalOperations) / (line_count * kGenerations)};
  for (std::size_t i = 0; i < line_count; ++i) server.lines.push_back(std::make_unique<Line>(i));

  for (const auto& line : server.lines)
    std::thread(work, std::ref(server), std::ref(*line)).detach();
  server.lines_left.wait();

  std::uint64_t checksum = 0;
  for (const auto& line : server.lines)
    checksum += line->freed_tags + bench::drop_block(line->mailbox.load());
  return bench::print_result("server", checksum);
}
