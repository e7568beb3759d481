// SPDX-License-Identifier: MIT
// hash_map: how well does a hash map of about 1 GiB sit in memory? Build it, look
// up and replace at random, take it down. Page faults and TLB misses decide here.
#include "arguments.hpp"
#include "random.hpp"
#include "record.hpp"

#include <unordered_map>

namespace {

constexpr std::size_t kEntries = 2'500'000;
constexpr std::size_t kLookups = 2'000'000;
constexpr std::size_t kReplaceEvery = 16;
constexpr std::size_t kPayloadLow = 64;
constexpr std::size_t kPayloadHigh = 640;

// Spreads consecutive numbers over the whole range, and back-to-back ones far apart.
std::uint64_t key_of(std::size_t index) { return (index + 1) * 0x9E3779B97F4A7C15U; }

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments = bench::parse_arguments(argc, argv);
  const std::size_t entries = arguments.scaled(kEntries);
  bench::Random random(11);
  std::unordered_map<std::uint64_t, bench::Record> map;
  for (std::size_t i = 0; i < entries; ++i)
    map.try_emplace(key_of(i), random, kPayloadLow, kPayloadHigh);

  std::uint64_t checksum = 0;
  for (std::size_t i = 0; i < arguments.scaled(kLookups); ++i) {
    const auto found = map.find(key_of(random.below(entries)));
    checksum += found->second.read();
    if (i % kReplaceEvery == 0) found->second = bench::Record(random, kPayloadLow, kPayloadHigh);
  }
  return bench::print_result("hash_map", checksum);
}
