// SPDX-License-Identifier: MIT
// Each stack is one site, until the table is full.
#include "telemetry/site_table.hpp"

#include "support/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

namespace luna {
namespace {

using test::Random;
using Frames = std::vector<std::uintptr_t>;

// Never at nullptr, which an empty vector may have.
[[nodiscard]] Stack stack_of(const Frames& frames) {
  static const std::uintptr_t none = 0;
  return {frames.empty() ? &none : frames.data(), frames.size()};
}

// A table, and the stacks that it was given, by their sites.
struct Sites {
  explicit Sites(std::size_t bytes) { EXPECT_TRUE(table.begin(bytes)); }

  [[nodiscard]] std::uint32_t add(const Frames& frames) {
    return table.find_or_add(stack_of(frames));
  }

  // Fills the table with stacks of this depth; returns those that it took.
  [[nodiscard]] std::vector<Frames> fill(std::size_t depth) {
    std::vector<Frames> taken;
    for (std::uintptr_t i = 1;; ++i) {
      Frames frames(depth, 0x1000 * i);
      if (add(frames) == SiteTable::kNone) return taken;
      taken.push_back(frames);
    }
  }

  SiteTable table;
};

constexpr std::size_t kSmall = 16 * 1024;

TEST(SiteTable, TooLittleMemoryIsRefused) {
  for (const std::size_t bytes : {0U, 1U, 256U, 2048U}) {
    SiteTable table;
    EXPECT_FALSE(table.begin(bytes)) << bytes;
    EXPECT_EQ(table.count(), 0U);
  }
  SiteTable table;
  EXPECT_FALSE(table.begin(std::size_t{1} << 50));
  EXPECT_TRUE(table.begin(kSmall));
}

TEST(SiteTable, SameStackIsTheSameSite) {
  Sites sites(kSmall);
  const std::uint32_t site = sites.add({1, 2, 3});
  EXPECT_EQ(sites.add({1, 2, 3}), site);
  EXPECT_EQ(sites.table.count(), 1U);
  EXPECT_EQ(sites.table.at(site).stack.depth, 3U);
  EXPECT_EQ(sites.table.at(site).stack.frames[2], 3U);
}

TEST(SiteTable, OtherFramesOrDepthIsAnother) {
  Sites sites(kSmall);
  const std::vector<Frames> stacks = {{},     {0},    {0, 0},    {1},    {1, 2},
                                      {2, 1}, {1, 3}, {1, 2, 3}, {3, 2}, {UINTPTR_MAX}};
  for (std::uint32_t i = 0; i < stacks.size(); ++i) EXPECT_EQ(sites.add(stacks[i]), i);
  for (std::uint32_t i = 0; i < stacks.size(); ++i) EXPECT_EQ(sites.add(stacks[i]), i);
  EXPECT_EQ(sites.table.count(), stacks.size());
}

// Made so that FNV-1a gives the same for all: {1, 2}, another of that depth, and one frame.
TEST(SiteTable, TellsStacksOfTheSameHashApart) {
  constexpr std::uintptr_t kBasis = 0xcbf29ce484222325;
  constexpr std::uintptr_t kPrime = 0x100000001b3;
  const std::uintptr_t before_last = (kBasis ^ 1) * kPrime ^ 2;
  const std::vector<Frames> stacks = {
      {1, 2}, {7, (kBasis ^ 7) * kPrime ^ before_last}, {kBasis ^ before_last}};
  const std::vector<Frames> longer = {{1}, {1, (kBasis ^ 1) * kPrime ^ (kBasis ^ 1)}};
  for (const std::vector<Frames>& same : {stacks, longer}) {
    Sites sites(kSmall);
    for (std::uint32_t i = 0; i < same.size(); ++i) EXPECT_EQ(sites.add(same[i]), i);
    for (std::uint32_t i = 0; i < same.size(); ++i) {
      EXPECT_EQ(sites.add(same[i]), i);
      EXPECT_EQ(sites.table.at(i).hash, sites.table.at(0).hash);
    }
  }
}

TEST(SiteTable, OtherLabelsAreAnother) {
  Sites sites(kSmall);
  static constexpr std::string_view kSets = "\1a\1b\1a\1c";
  const Labels one(kSets.substr(0, 4));
  const Labels other(kSets.substr(4));
  const Frames frames = {1, 2, 3};

  const std::uint32_t plain = sites.add(frames);
  const std::uint32_t first = sites.table.find_or_add(stack_of(frames), one);
  const std::uint32_t second = sites.table.find_or_add(stack_of(frames), other);

  EXPECT_EQ(sites.table.count(), 3U);
  EXPECT_EQ(sites.add(frames), plain);
  EXPECT_EQ(sites.table.find_or_add(stack_of(frames), one), first);
  EXPECT_EQ(sites.table.find_or_add(stack_of(frames), other), second);
  EXPECT_TRUE(sites.table.at(plain).labels.empty());
  EXPECT_TRUE(sites.table.at(second).labels.is_same(other));
}

TEST(SiteTable, KeepsACopyOfTheStack) {
  Sites sites(kSmall);
  Frames frames = {10, 20};
  const std::uint32_t site = sites.add(frames);
  frames = {30, 40};
  EXPECT_EQ(sites.table.at(site).stack.frames[0], 10U);
  EXPECT_NE(sites.add(frames), site);
}

TEST(SiteTable, NewSiteHasNoAmounts) {
  Sites sites(kSmall);
  const Site& site = sites.table.at(sites.add({1}));
  EXPECT_EQ(site.allocated.samples, 0U);
  EXPECT_EQ(site.live.samples, 0U);
  EXPECT_EQ(site.live.bytes, 0.0);
  EXPECT_EQ(site.peak.amount.samples, 0U);
  EXPECT_EQ(site.mark.allocated_objects, 0.0);
  EXPECT_EQ(site.lifetimes.objects, 0.0);
  for (const float weight : site.sizes.weights) EXPECT_EQ(weight, 0.0F);
}

// 1 MiB of tables holds some 1,250 sites; a new member of Site has its price.
TEST(SiteTable, SiteIsSmall) { EXPECT_LE(sizeof(Site), 640U); }

// More stacks than places, so that many share one, with few frames that differ.
TEST(SiteTable, TellsManyStacksApart) {
  Sites sites(std::size_t{16} << 20);
  Random random(1);
  std::vector<Frames> stacks;
  for (std::size_t i = 0; i < 20'000; ++i) {
    Frames frames(3 + i % 12, 0x7f0000001000);
    frames[i % frames.size()] += 16 * (i / frames.size());
    frames[0] += random.below(2);
    stacks.push_back(frames);
  }
  std::vector<std::uint32_t> found;
  for (const Frames& frames : stacks) found.push_back(sites.add(frames));
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    EXPECT_EQ(sites.add(stacks[i]), found[i]);
    const Stack& kept = sites.table.at(found[i]).stack;
    EXPECT_EQ(Frames(kept.frames, kept.frames + kept.depth), stacks[i]);
  }
}

// Full by sites, and full by frames.
TEST(SiteTable, FullTableKnowsWhatItHas) {
  for (const std::size_t depth : {0U, 1U, 5U, 20U, 50U, 200U}) {
    Sites sites(kSmall);
    const std::vector<Frames> taken =
        depth == 0 ? std::vector<Frames>{Frames{}} : sites.fill(depth);
    if (depth == 0) {
      ASSERT_NE(sites.add({}), SiteTable::kNone);
    }
    ASSERT_FALSE(taken.empty()) << depth;
    for (std::uint32_t i = 0; i < taken.size(); ++i) EXPECT_EQ(sites.add(taken[i]), i);
    EXPECT_EQ(sites.table.count(), taken.size());
    EXPECT_LE(sites.table.used_bytes(), kSmall);
  }
}

TEST(SiteTable, SmallStacksFindRoomWhereLargeOnesDoNot) {
  Sites sites(kSmall + 2048);  // not a multiple of such stacks
  const std::vector<Frames> taken = sites.fill(200);
  EXPECT_EQ(sites.add(Frames(200, 7)), SiteTable::kNone);
  const std::uint32_t small = sites.add({7});
  EXPECT_EQ(small, taken.size());
  EXPECT_EQ(sites.add({7}), small);
  EXPECT_EQ(sites.add(Frames(200, 7)), SiteTable::kNone);
}

TEST(SiteTable, UsesNoMoreThanItWasGiven) {
  for (std::size_t bytes = 13'000; bytes < 100'000; bytes += 3001) {
    Sites sites(bytes);
    static_cast<void>(sites.fill(20));
    EXPECT_LE(sites.table.used_bytes(), bytes);
  }
}

}  // namespace
}  // namespace luna
