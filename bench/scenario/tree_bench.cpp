// SPDX-License-Identifier: MIT
// tree: how well does an ordered map of about 1 GiB sit in memory? Each lookup
// walks some twenty nodes that lie wherever malloc put them.
#include "arguments.hpp"
#include "random.hpp"
#include "record.hpp"

#include <map>

namespace {

constexpr std::size_t kEntries = 880'000;
constexpr std::size_t kLookups = 500'000;
constexpr std::size_t kReplaceEvery = 16;
constexpr std::size_t kPayloadLow = 300;
constexpr std::size_t kPayloadHigh = 2000;

std::uint64_t key_of(std::size_t index) { return (index + 1) * 0x9E3779B97F4A7C15U; }

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t entries = arguments.scaled(kEntries);
  bench::Random random(13);
  std::map<std::uint64_t, bench::Record> map;
  for (std::size_t i = 0; i < entries; ++i)
    map.try_emplace(key_of(i), random, kPayloadLow, kPayloadHigh);

  std::uint64_t checksum = 0;
  for (std::size_t i = 0; i < arguments.scaled(kLookups); ++i) {
    // The key may have been erased; then its next neighbour will do.
    const auto found = map.lower_bound(key_of(random.below(entries)));
    if (found == map.end()) continue;
    checksum += found->second.read();
    if (i % kReplaceEvery == 0) {
      map.erase(found);
      map.try_emplace(key_of(random.below(entries)), random, kPayloadLow, kPayloadHigh);
    }
  }
  return bench::print_result("tree", checksum);
}
