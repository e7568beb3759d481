// SPDX-License-Identifier: MIT
// look_ups: how fast are random look-ups in an index of 1.2 GiB of small nodes? The
// kernel's pages decide: with small ones nearly every look-up misses the TLB, so
// the share of huge pages is printed beside the rate.
#include "arguments.hpp"
#include "block.hpp"
#include "random.hpp"
#include "resident.hpp"

#include <chrono>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kNodes = 13'400'000;  // 1.2 GiB of them; the table beside them is 0.1 GiB
constexpr std::size_t kNodeLow = 32;
constexpr std::size_t kNodeHigh = 160;
constexpr std::size_t kLookups = 7'000'000;

struct Node {
  std::uint64_t key;
  Node* next;  // as a hash index has it; nobody follows it here
  std::uint64_t bytes;
  std::uint64_t value;
};
static_assert(sizeof(Node) <= kNodeLow);

Node* make_node(bench::Random& random) {
  const std::size_t bytes = random.between(kNodeLow, kNodeHigh);
  auto* const node = static_cast<Node*>(std::malloc(bytes));
  if (node == nullptr) bench::fail("malloc returned null");
  *node = {random.next(), nullptr, bytes, random.next()};
  auto* const rest = reinterpret_cast<unsigned char*>(node) + sizeof(Node);
  std::memset(rest, static_cast<int>(bytes), bytes - sizeof(Node));
  return node;
}

// Neighbours in the table are strangers in memory, as after hashing.
std::vector<Node*> build_index(bench::Random& random, std::size_t count) {
  std::vector<Node*> index(count);
  for (Node*& node : index) node = make_node(random);
  for (std::size_t i = count; i > 1; --i) std::swap(index[i - 1], index[random.below(i)]);
  return index;
}

// What was found says where to look next: the processor cannot start a look-up
// before the last one is done.
std::uint64_t look_up(const std::vector<Node*>& index, bench::Random& random, std::size_t count,
                      std::uint64_t found) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t mixed = (random.next() ^ found) >> 32;
    const Node* const node = index[static_cast<std::size_t>((mixed * index.size()) >> 32)];
    found = node->key ^ (node->value + i);
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  bench::Random random(71);
  const std::vector<Node*> index = build_index(random, arguments.scaled(kNodes));

  // The first half warms up: it is there for kernels that gather huge pages later.
  const std::size_t half = arguments.scaled(kLookups) / 2;
  const std::uint64_t warm = look_up(index, random, half, 0);
  const auto start = std::chrono::steady_clock::now();
  const std::uint64_t checksum = look_up(index, random, half, warm);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;

  // The nodes are left to the end of the process: taking them down is no look-up.
  bench::print_result("look_ups", checksum);
  const double resident = static_cast<double>(bench::rollup_bytes("Rss:"));
  const double huge = static_cast<double>(bench::rollup_bytes("AnonHugePages:"));
  std::printf("look_ups: %.3f million/s\n", static_cast<double>(half) / taken.count() / 1e6);
  std::printf("huge: %.1f %% of %.0f MiB\n", resident > 0 ? 100 * huge / resident : 0,
              resident / bench::kMebibyte);
  return 0;
}
