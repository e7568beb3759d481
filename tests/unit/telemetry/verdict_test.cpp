// SPDX-License-Identifier: MIT
// Verdicts on sites that are played, with blocks drawn as docs/telemetry.md says, over many
// seeds: what leaks is found from some twenty samples on, and what does not is left alone.
#include "telemetry/verdict.hpp"

#include "base/math.hpp"
#include "support/random.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace luna {
namespace {

using test::Random;

constexpr std::uint32_t kTicks = 1600;

struct Block {
  Moment born;
  double bytes = 0;
  double weight = 0;  // 0: not a sample
};

// One site of a process that lives for kTicks, of 10 ms each.
class PlayedSite {
 public:
  PlayedSite(std::uint64_t interval, std::uint64_t seed) : interval_(interval), random_(seed) {}

  void at(std::uint32_t tick) { now_ = {1000 + std::uint64_t{tick} * 10, tick}; }

  [[nodiscard]] Block allocate(double bytes) {
    const double p = one_minus_exp(bytes / static_cast<double>(interval_));
    Block block = {now_, bytes, interval_ == 1 ? 1 : 1 / p};
    const double drawn = static_cast<double>(random_.below(1U << 30)) / (1U << 30);
    if (interval_ != 1 && drawn >= p) block.weight = 0;
    if (block.weight == 0) return block;
    row_.allocated += amount_of(block);
    row_.live += amount_of(block);
    row_.history.note_allocated(now_, row_.live.bytes);
    return block;
  }

  void deallocate(const Block& block) {
    if (block.weight == 0) return;
    row_.live -= amount_of(block);
    row_.history.note(now_, row_.live.bytes);
  }

  [[nodiscard]] std::size_t below(std::size_t bound) { return random_.below(bound); }

  // With the blocks that live.
  [[nodiscard]] LeakVerdict verdict(const std::vector<Block>& blocks) {
    at(kTicks);
    row_.history.advance(now_);
    for (const Block& block : blocks)
      if (block.weight != 0) row_.note_age(block.born, block.bytes * block.weight);
    return judge(row_, {1000, 0}, now_);
  }

  [[nodiscard]] std::uint64_t samples() const { return row_.live.samples; }

 private:
  static Amount amount_of(const Block& block) {
    const auto bytes = static_cast<std::uint64_t>(block.bytes);
    return {1, block.weight, block.weight * block.bytes, bytes, bytes};
  }

  std::uint64_t interval_;
  Random random_;
  Moment now_;
  LeakRow row_{};
};

// What a site does at each tick with the blocks that it has.
using Behaviour = std::function<void(PlayedSite&, std::uint32_t, std::vector<Block>&)>;

LeakVerdict play(std::uint64_t interval, std::uint64_t seed, const Behaviour& behaviour) {
  PlayedSite site(interval, seed);
  std::vector<Block> blocks;
  for (std::uint32_t tick = 0; tick < kTicks; ++tick) {
    site.at(tick);
    behaviour(site, tick, blocks);
  }
  return site.verdict(blocks);
}

// How many of 400 seeds are called suspects.
constexpr int kSeeds = 400;
int suspects(std::uint64_t interval, const Behaviour& behaviour) {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed)
    if (is_suspect(play(interval, seed, behaviour).leak_class)) ++count;
  return count;
}

int of_class(std::uint64_t interval, const Behaviour& behaviour, LeakClass leak_class) {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed)
    if (play(interval, seed, behaviour).leak_class == leak_class) ++count;
  return count;
}

// A hundred bytes are kept each tick: interval 1600 makes 100 samples of them.
void leak(PlayedSite& site, std::uint32_t, std::vector<Block>& blocks) {
  blocks.push_back(site.allocate(100));
}

void replace_any(PlayedSite& site, std::vector<Block>& blocks, std::size_t most) {
  blocks.push_back(site.allocate(100));
  if (blocks.size() <= most) return;
  std::swap(blocks[site.below(blocks.size())], blocks.back());
  site.deallocate(blocks.back());
  blocks.pop_back();
}

void replace_oldest(PlayedSite& site, std::vector<Block>& blocks, std::size_t most) {
  blocks.push_back(site.allocate(100));
  if (blocks.size() <= most) return;
  site.deallocate(blocks.front());
  blocks.erase(blocks.begin());
}

TEST(Verdict, LeakIsFoundWhateverIsFreedBeside) {
  const Behaviour with_churn = [](PlayedSite& site, std::uint32_t, std::vector<Block>& blocks) {
    for (int i = 0; i < 9; ++i) site.deallocate(site.allocate(100));
    blocks.push_back(site.allocate(100));
  };
  EXPECT_EQ(of_class(1, leak, LeakClass::kLeak), kSeeds);
  EXPECT_EQ(of_class(1600, leak, LeakClass::kLeak), kSeeds);  // 100 samples
  EXPECT_GE(suspects(4000, leak), kSeeds * 95 / 100);         // 40
  EXPECT_EQ(of_class(1600, with_churn, LeakClass::kGrows), kSeeds);
  EXPECT_GE(suspects(4000, with_churn), kSeeds * 95 / 100);
}

TEST(Verdict, FewSamplesAreNoTrend) {
  EXPECT_EQ(suspects(80'000, leak), 0);  // two
  EXPECT_LE(suspects(16'000, leak), kSeeds / 10);
  const Behaviour two_blocks = [](PlayedSite& site, std::uint32_t tick,
                                  std::vector<Block>& blocks) {
    if (tick == 100 || tick == 1500) blocks.push_back(site.allocate(1'000'000));
  };
  EXPECT_EQ(suspects(1, two_blocks), 0);
  EXPECT_EQ(suspects(1600, two_blocks), 0);
}

// At most one in fifty where a cache has about twenty samples, and none where it has more.
TEST(Verdict, CacheIsNoLeakWhateverItReplaces) {
  for (const std::size_t most : {50U, 320U, 800U}) {
    const Behaviour any = [most](PlayedSite& site, std::uint32_t, std::vector<Block>& blocks) {
      replace_any(site, blocks, most);
    };
    const Behaviour oldest = [most](PlayedSite& site, std::uint32_t, std::vector<Block>& blocks) {
      replace_oldest(site, blocks, most);
    };
    EXPECT_EQ(suspects(160, any), 0) << most;
    EXPECT_EQ(suspects(160, oldest), 0) << most;
    EXPECT_LE(suspects(1600, any), kSeeds / 50) << most;
    EXPECT_LE(suspects(1600, oldest), kSeeds / 50) << most;
  }
  const Behaviour half_a_life = [](PlayedSite& site, std::uint32_t, std::vector<Block>& blocks) {
    replace_any(site, blocks, 800);
  };
  EXPECT_EQ(of_class(160, half_a_life, LeakClass::kPlateau), kSeeds);
}

TEST(Verdict, CacheThatIsEmptiedIsNoLeak) {
  for (const std::size_t period : {30U, 150U, 400U, 700U}) {
    const Behaviour saw = [period](PlayedSite& site, std::uint32_t, std::vector<Block>& blocks) {
      blocks.push_back(site.allocate(100));
      if (blocks.size() < period) return;
      for (const Block& block : blocks) site.deallocate(block);
      blocks.clear();
    };
    EXPECT_EQ(suspects(1, saw), 0) << period;
    EXPECT_EQ(suspects(1600, saw), 0) << period;
  }
}

TEST(Verdict, WhatCameAtOnceAndStaysIsABurst) {
  const auto up_to = [](std::uint32_t last) {
    return [last](PlayedSite& site, std::uint32_t tick, std::vector<Block>& blocks) {
      if (tick < last) blocks.push_back(site.allocate(100));
    };
  };
  EXPECT_EQ(of_class(160, up_to(100), LeakClass::kBurst), kSeeds);
  EXPECT_EQ(of_class(160, up_to(1000), LeakClass::kPlateau), kSeeds);
}

TEST(Verdict, WhatComesAndGoesIsSteady) {
  const Behaviour pair = [](PlayedSite& site, std::uint32_t, std::vector<Block>&) {
    site.deallocate(site.allocate(100));
  };
  EXPECT_EQ(of_class(1, pair, LeakClass::kSteady), kSeeds);
  EXPECT_EQ(of_class(160, pair, LeakClass::kSteady), kSeeds);
}

// A site that began when most of the life of the process was over may be about to level off.
TEST(Verdict, YoungSiteIsTrustedLess) {
  const auto from = [](std::uint32_t first) {
    return [first](PlayedSite& site, std::uint32_t tick, std::vector<Block>& blocks) {
      if (tick >= first) blocks.push_back(site.allocate(100));
    };
  };
  const LeakVerdict old = play(1, 1, from(0));
  const LeakVerdict younger = play(1, 1, from(800));
  EXPECT_GT(old.score, 1.9 * younger.score);
  EXPECT_TRUE(is_suspect(younger.leak_class));
  const LeakVerdict young = play(1, 1, from(1500));
  EXPECT_EQ(young.leak_class, LeakClass::kSteady);
  EXPECT_TRUE(young.is_open);
}

TEST(Verdict, ReasonIsASentenceWithUnits) {
  std::array<char, 320> buffer;
  const auto reason = [&](const LeakVerdict& verdict) {
    Text text(buffer.data(), buffer.size());
    add_reason(text, verdict);
    return std::string(text.view());
  };
  LeakVerdict verdict = {
      LeakClass::kLeak, 0.9,         1, 1.25 * 1048576, 9.85 * 1048576, 13, 15, 12, false, 0.02,
      14 * 60'000,      14 * 60'000, {}};
  EXPECT_EQ(reason(verdict),
            "grew from 1.2 MiB to 9.8 MiB in 14 min, in 13 of 14 intervals, and 2.0 % of what it "
            "allocated was freed; the oldest of it is 14 min old");
  verdict.leak_class = LeakClass::kPlateau;
  EXPECT_EQ(reason(verdict),
            "grew from 1.2 MiB to 9.8 MiB in the first 12 of 14 intervals and has not gone on to "
            "grow; 2.0 % of what it allocated was freed");
  verdict.reached = 14;
  EXPECT_EQ(
      reason(verdict),
      "grew from 1.2 MiB to 9.8 MiB in 14 intervals, of late by no more than chance explains; "
      "2.0 % of what it allocated was freed");
  EXPECT_EQ(reason(LeakVerdict{}), "too young to tell");
  verdict.leak_class = LeakClass::kSteady;
  EXPECT_EQ(reason(verdict), "does not grow, or by no more than chance explains");
  verdict.is_open = true;
  EXPECT_EQ(reason(verdict), "grew, but for too short a time or in too few samples to tell");
}

TEST(Verdict, DurationsHaveTheLargestUnitThatTellsThem) {
  const auto told = [](std::uint64_t milliseconds) {
    std::array<char, 32> buffer;
    Text text(buffer.data(), buffer.size());
    add_duration(text, milliseconds);
    return std::string(text.view());
  };
  EXPECT_EQ(told(0), "0 ms");
  EXPECT_EQ(told(1999), "1999 ms");
  EXPECT_EQ(told(2000), "2 s");
  EXPECT_EQ(told(119'000), "119 s");
  EXPECT_EQ(told(120'000), "2 min");
  EXPECT_EQ(told(7'200'000), "2 h");
  EXPECT_EQ(told(172'800'000), "2 d");
}

}  // namespace
}  // namespace luna
