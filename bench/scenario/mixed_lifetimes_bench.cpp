// SPDX-License-Identifier: MIT
// mixed_lifetimes: what do time and peak memory look like when short-lived,
// long-lived and very large blocks (up to 10 MiB) live side by side in several
// threads, some buffers grow by realloc, and blocks change hands between phases?
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"

#include <barrier>
#include <memory>
#include <vector>

namespace {

constexpr std::size_t kTotalOperations = 12'000'000;
constexpr std::size_t kPhases = 20;
constexpr std::size_t kYoungBlocks = 128;
constexpr std::size_t kOldBlocks = 6000;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

// One worker's blocks. Young ones live for about a hundred operations, old ones for
// several phases. The old table moves on to the next worker after every phase.
struct Worker {
  explicit Worker(std::uint64_t seed) : random(seed), young(kYoungBlocks) {}

  bench::Random random;
  std::vector<bench::Block*> young;
  std::uint64_t freed_tags = 0;
};

using OldBlocks = std::vector<bench::Block*>;

std::size_t draw_size(bench::Random& random) {
  const std::size_t kind = random.below(20'000);
  if (kind == 0) return random.between(kMegabyte, 10 * kMegabyte);
  if (kind < 20) return random.between(64 * 1024, kMegabyte);
  return bench::mixed_size(random);
}

// Grows the block by a quarter to a half, as a buffer that is appended to.
bench::Block* grow(bench::Random& random, bench::Block* block) {
  const std::size_t old_bytes = block->bytes;
  const std::size_t bytes = old_bytes + old_bytes / random.between(2, 4) + 16;
  if (bytes > 10 * kMegabyte) return block;
  auto* grown = static_cast<bench::Block*>(std::realloc(block, bytes));
  if (grown == nullptr) bench::fail("realloc returned null");
  grown->bytes = bytes;
  auto* raw = reinterpret_cast<unsigned char*>(grown);
  std::memset(raw + old_bytes, static_cast<unsigned char>(grown->tag), bytes - old_bytes);
  return grown;
}

void run_phase(Worker& worker, OldBlocks& old_blocks, std::size_t operations) {
  bench::Random& random = worker.random;
  for (std::size_t i = 0; i < operations; ++i) {
    const std::size_t size = draw_size(random);
    const std::uint64_t tag = random.next() & 0xFFFFFFFF;
    // One block in six grows old; large ones mostly do not.
    const bool ages = random.one_in(size < kMegabyte / 16 ? 6 : 24);
    bench::Block*& place =
        ages ? old_blocks[random.below(kOldBlocks)] : worker.young[random.below(kYoungBlocks)];
    worker.freed_tags += bench::drop_block(place);
    place = bench::make_block(size, tag);
    if (random.one_in(50)) place = grow(random, place);
  }
}

void drop_all(Worker& worker, std::vector<bench::Block*>& blocks) {
  for (bench::Block*& block : blocks) {
    worker.freed_tags += bench::drop_block(block);
    block = nullptr;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t count = arguments.threads;
  const std::size_t operations = arguments.scaled(kTotalOperations) / count / kPhases;
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::size_t i = 0; i < count; ++i) workers.push_back(std::make_unique<Worker>(i));
  std::vector<OldBlocks> old_blocks(count, OldBlocks(kOldBlocks));

  std::barrier phase_end(static_cast<std::ptrdiff_t>(count));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      for (std::size_t phase = 0; phase < kPhases; ++phase) {
        run_phase(*workers[i], old_blocks[(i + phase) % count], operations);
        phase_end.arrive_and_wait();
      }
      drop_all(*workers[i], workers[i]->young);
      drop_all(*workers[i], old_blocks[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();

  std::uint64_t checksum = 0;
  for (const auto& worker : workers) checksum += worker->freed_tags;
  return bench::print_result("mixed_lifetimes", checksum);
}
