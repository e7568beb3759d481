// SPDX-License-Identifier: MIT
// The table of live samples against a map of the standard library.
#include "telemetry/live_table.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace luna {
namespace {

using test::Random;

constexpr std::size_t kPlaces = 64;
constexpr std::size_t kLimit = kPlaces / 4 * 3;

[[nodiscard]] LiveSample sample_at(std::uintptr_t address, std::uint64_t bytes = 1) {
  return {address, bytes, bytes, bytes, 1, 1, 0, 0};
}

// The place in the table that an address wants: by the definition of Fibonacci hashing.
[[nodiscard]] std::size_t home_of(std::uintptr_t address, int bits) {
  return static_cast<std::size_t>((std::uint64_t{address} / 16 * 0x9e3779b97f4a7c15) >>
                                  (64 - bits));
}

// Addresses that all want one of `wanted` places from `first` on.
[[nodiscard]] std::vector<std::uintptr_t> addresses_for(std::size_t first, std::size_t wanted,
                                                        std::size_t count) {
  std::vector<std::uintptr_t> found;
  for (std::uintptr_t address = 16; found.size() < count; address += 16)
    if (((home_of(address, 6) - first) & (kPlaces - 1)) < wanted) found.push_back(address);
  return found;
}

// A table and what must be in it.
struct Model {
  explicit Model(std::size_t places = kPlaces) {
    EXPECT_TRUE(table.begin(places * sizeof(LiveSample)));
  }

  void insert(std::uintptr_t address, std::uint64_t bytes = 1) {
    table.insert(sample_at(address, bytes));
    expected[address] = bytes;
  }

  void erase(std::uintptr_t address) {
    LiveSample* sample = table.find(address);
    ASSERT_NE(sample, nullptr) << address;
    EXPECT_EQ(sample->bytes, expected.at(address));
    table.erase(sample);
    expected.erase(address);
  }

  void verify() {
    ASSERT_EQ(table.count(), expected.size());
    std::size_t seen = 0;
    table.for_each([&](const LiveSample& sample) {
      ++seen;
      EXPECT_EQ(expected.count(sample.address), 1U);
    });
    EXPECT_EQ(seen, expected.size());
    for (const auto& [address, bytes] : expected) {
      const LiveSample* sample = table.find(address);
      ASSERT_NE(sample, nullptr) << address;
      EXPECT_EQ(sample->bytes, bytes);
    }
  }

  LiveTable table;
  std::unordered_map<std::uintptr_t, std::uint64_t> expected;
};

TEST(LiveTable, HasNothingBeforeItBegins) {
  LiveTable table;
  EXPECT_EQ(table.find(16), nullptr);
  EXPECT_EQ(table.count(), 0U);
  EXPECT_TRUE(table.is_full());
  table.for_each([](const LiveSample&) { ADD_FAILURE(); });
}

TEST(LiveTable, TooLittleMemoryIsRefused) {
  LiveTable table;
  EXPECT_FALSE(table.begin(0));
  EXPECT_FALSE(table.begin(15 * sizeof(LiveSample)));
  EXPECT_TRUE(table.is_full());
  EXPECT_TRUE(table.begin(16 * sizeof(LiveSample)));
  EXPECT_FALSE(table.is_full());
}

TEST(LiveTable, IsFullAtThreeQuarters) {
  Model model;
  for (std::uintptr_t i = 1; i <= kLimit; ++i) {
    EXPECT_FALSE(model.table.is_full());
    model.insert(i * 4096);
  }
  EXPECT_TRUE(model.table.is_full());
  EXPECT_EQ(model.table.find(4096 * (kLimit + 1)), nullptr);
  model.verify();

  model.erase(4096);

  EXPECT_FALSE(model.table.is_full());
  model.insert(4096 * (kLimit + 1));
  model.verify();
}

TEST(LiveTable, RoundsItsMemoryDown) {
  Model model(2 * kPlaces - 1);
  for (std::uintptr_t i = 1; i <= kLimit; ++i) model.insert(i * 16);
  EXPECT_TRUE(model.table.is_full());
}

// Each run of these addresses lies across the end of the table, in one cluster.
TEST(LiveTable, ErasesInAnyOrderAcrossItsEnd) {
  for (std::size_t wanted = 1; wanted <= 8; ++wanted) {
    const std::vector<std::uintptr_t> addresses = addresses_for(kPlaces - 4, wanted, 12);
    for (std::size_t seed = 0; seed < 200; ++seed) {
      Random random(seed);
      Model model;
      std::vector<std::uintptr_t> order = addresses;
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random.below(i)]);
      for (const std::uintptr_t address : order) model.insert(address, address + seed);
      for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random.below(i)]);
      for (const std::uintptr_t address : order) {
        model.erase(address);
        EXPECT_EQ(model.table.find(address), nullptr);
        model.verify();
      }
    }
  }
}

TEST(LiveTable, OtherSamplesOfAClusterStayAsTheyAre) {
  Model model;
  const std::vector<std::uintptr_t> addresses = addresses_for(kPlaces - 1, 1, 5);
  for (const std::uintptr_t address : addresses) model.insert(address, address * 3);
  model.erase(addresses[0]);
  model.insert(addresses[0], 7);
  model.erase(addresses[2]);
  model.verify();
}

// Few samples touch little, however large the table may become.
TEST(LiveTable, GrowsWithWhatIsInIt) {
  LiveTable table;
  ASSERT_TRUE(table.begin(std::size_t{16} << 20));
  const std::size_t first = table.bytes();
  EXPECT_LE(first, std::size_t{64} << 10);

  std::size_t count = 0;
  for (std::uintptr_t address = 16; !table.is_full(); address += 16, ++count)
    table.insert(sample_at(address));

  EXPECT_EQ(count, table.limit());
  EXPECT_GT(table.bytes(), std::size_t{8} << 20);
  for (std::size_t i = 1; i <= count; ++i) EXPECT_NE(table.find(16 * i), nullptr);
}

// Around the limit most of the time, where clusters are long.
void work_at_the_limit(std::size_t places, std::uint64_t seed, int steps) {
  Random random(seed);
  Model model(places);
  std::vector<std::uintptr_t> live;
  const auto unused = [&] {
    while (true) {
      // Neighbours in memory, as blocks of slabs are, and of few regions.
      const std::uintptr_t address =
          0x7f0000000000 + random.below(4) * (std::uintptr_t{1} << 28) + random.below(4096) * 16;
      if (model.expected.count(address) == 0) return address;
    }
  };
  for (int i = 0; i < steps; ++i) {
    const bool grow = live.empty() || (!model.table.is_full() && !random.one_in(3));
    if (grow) {
      live.push_back(unused());
      model.insert(live.back(), random.next());
    } else {
      std::swap(live[random.below(live.size())], live.back());
      model.erase(live.back());
      EXPECT_EQ(model.table.find(live.back()), nullptr);
      live.pop_back();
    }
    if (i % 64 == 0) model.verify();
  }
  for (const std::uintptr_t address : live) model.erase(address);
  model.verify();
}

TEST(LiveTable, IsAsTheModelAtHighLoad) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) work_at_the_limit(kPlaces, seed, 5'000);
}

TEST(LiveTable, IsAsTheModelWhenItIsLarge) { work_at_the_limit(4096, 1, 50'000); }

}  // namespace
}  // namespace luna
