// SPDX-License-Identifier: MIT
#include "control/requests.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <random>
#include <string>

namespace luna {
namespace {

int purged = -1;
int refusal = 0;

[[nodiscard]] constexpr std::uint16_t place_of(std::string_view name) noexcept {
  return static_cast<std::uint16_t>(option_index(name));
}

constexpr Control kTable[] = {
    {.name = "version", .kind = ControlKind::kWord, .word = []() noexcept { return "1.2.3"; }},
    {.name = "decay.ms", .unit = "ms", .option = place_of("decay_ms"), .apply = nullptr},
    {.name = "background",
     .option = place_of("background"),
     .apply = []() noexcept { return refusal; }},
    {.name = "stats.file", .option = place_of("stats_file"), .apply = nullptr},
    {.name = "enabled", .note = "it is too late", .option = place_of("enabled"), .apply = nullptr},
    {.name = "memory.purge",
     .range = {0, 100},
     .kind = ControlKind::kAction,
     .act =
         [](std::uint64_t number) noexcept {
           purged = static_cast<int>(number);
           return 0;
         }},
    {.name = "stats.live",
     .kind = ControlKind::kFigure,
     .figure = [](void*) noexcept { return std::uint64_t{7}; }},
};

class Requests : public testing::Test {
 protected:
  void SetUp() override {
    purged = -1;
    refusal = 0;
  }

  std::string ask(std::string_view text, std::size_t expected_mistakes = 0) {
    std::array<char, 2000> buffer;
    Text answer(buffer.data(), buffer.size());
    EXPECT_EQ(answer_requests(text, Controls(kTable, changes_), nullptr, answer),
              expected_mistakes);
    return std::string(answer.view());
  }

  Options options_;
  OptionChanges changes_{options_};
};

TEST_F(Requests, SetByTheNameOfAnOptionOrOfAControl) {
  EXPECT_EQ(ask("decay_ms:5"), "decay_ms: ok\n");
  EXPECT_EQ(options_.decay_ms, 5U);
  EXPECT_EQ(ask(" decay.ms = 6 "), "decay.ms: ok\n");
  EXPECT_EQ(options_.decay_ms, 6U);
}

TEST_F(Requests, MayBeManyAndEmptyOnesAreNone) {
  EXPECT_EQ(ask(",background:true,, decay_ms:9,"), "background: ok\ndecay_ms: ok\n");
  EXPECT_TRUE(options_.background);
  EXPECT_EQ(ask(""), "");
}

TEST_F(Requests, AskForValues) {
  EXPECT_EQ(ask("?decay_ms,decay.ms,version,?stats.live"),
            "decay_ms = 1000\ndecay.ms = 1000\nversion = 1.2.3\nstats.live = 7\n");
  // Though it has a value, it is not set.
  EXPECT_EQ(ask("?decay_ms:4"), "decay_ms = 1000\n");
}

TEST_F(Requests, DoActions) {
  EXPECT_EQ(ask("?memory.purge", 1), "memory.purge = no value: it is something to do\n");
  EXPECT_EQ(purged, -1);
  EXPECT_EQ(ask("memory.purge"), "memory.purge: ok\n");
  EXPECT_EQ(purged, 0);
  EXPECT_EQ(ask("memory.purge:17"), "memory.purge: ok\n");
  EXPECT_EQ(purged, 17);
  EXPECT_EQ(ask("memory.purge:101", 1), "memory.purge: wants a whole number from 0 to 100\n");
  EXPECT_EQ(purged, 17);
}

TEST_F(Requests, TellWhatIsWrongAndDoTheRest) {
  EXPECT_EQ(ask("decay_sm:1,decay_ms:x,enabled:false,version:2,decay_ms:3", 4),
            "decay_sm: is unknown; the nearest is decay.ms\n"
            "decay_ms: wants a whole number\n"
            "enabled: cannot be set: it is too late\n"
            "version: cannot be set\n"
            "decay_ms: ok\n");
  EXPECT_EQ(options_.decay_ms, 3U);
  refusal = ENOMEM;
  EXPECT_EQ(ask("background:true", 1), "background: there is no memory for it\n");
  refusal = EAGAIN;
  EXPECT_EQ(ask("background:true", 1),
            "background: cannot be done: error " + std::to_string(EAGAIN) + "\n");
  EXPECT_FALSE(options_.background);
}

TEST_F(Requests, ValuesMayHoldTheSignsThatEndNames) {
  EXPECT_EQ(ask("stats_file:/tmp/a=b:c"), "stats_file: ok\n");
  EXPECT_EQ(ask("?stats_file"), "stats_file = /tmp/a=b:c\n");
}

TEST_F(Requests, SendNothingToATerminalThatItObeys) {
  EXPECT_EQ(ask("\x1B[2Jdecay:1", 1), "?[2Jdecay: is unknown; the nearest is decay.ms\n");
  EXPECT_EQ(ask("stats_file:a\nb\x7F"), "stats_file: ok\n");
  EXPECT_EQ(ask("?stats_file"), "stats_file = a?b?\n");
}

TEST_F(Requests, LongNamesAreCutInTheAnswer) {
  EXPECT_EQ(ask(std::string(900, 'q'), 1),
            std::string(60, 'q') + "...: is unknown; the nearest is version\n");
}

TEST_F(Requests, OfGarbageAreAnsweredAndTheAnswerFits) {
  std::mt19937 random(1);
  std::array<char, 300> buffer;
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 1024, '\0');
    for (char& letter : text)
      letter = random() % 8 == 0 ? ",:=?"[random() % 4] : static_cast<char>(random());
    Text answer(buffer.data(), buffer.size());
    static_cast<void>(answer_requests(text, Controls(kTable, changes_), nullptr, answer));
    ASSERT_LE(answer.view().size(), buffer.size());
    for (const char letter : answer.view())
      ASSERT_TRUE(letter == '\n' || static_cast<unsigned char>(letter) >= ' ');
  }
}

}  // namespace
}  // namespace luna
