// SPDX-License-Identifier: MIT
#include "control/options.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace luna {
namespace {

struct Parsed {
  Options options;
  std::string warnings;
};

[[nodiscard]] Parsed parsed(std::string_view text) {
  Parsed result;
  testing::internal::CaptureStderr();
  parse_options(text, "TEST", result.options);
  result.warnings = testing::internal::GetCapturedStderr();
  return result;
}

[[nodiscard]] Parsed parsed_file(std::string_view text, std::string_view program = "prog") {
  Parsed result;
  testing::internal::CaptureStderr();
  parse_options_file(text, "FILE", program, result.options);
  result.warnings = testing::internal::GetCapturedStderr();
  return result;
}

TEST(Options, NoTextKeepsTheDefaults) {
  const Parsed result = parsed("");

  EXPECT_TRUE(result.options.enabled);
  EXPECT_EQ(result.options.decay_ms, 1000U);
  EXPECT_EQ(result.options.huge_pages_above, 256U);
  EXPECT_EQ(result.options.hugetlb, Hugetlb::kOff);
  EXPECT_FALSE(result.options.stats_print);
  EXPECT_FALSE(result.options.deepbind);
  EXPECT_EQ(result.warnings, "");
}

TEST(Options, PairsAreSeparatedByCommas) {
  const Parsed result = parsed("decay_ms:50,stats_print:true,enabled:off");

  EXPECT_EQ(result.options.decay_ms, 50U);
  EXPECT_TRUE(result.options.stats_print);
  EXPECT_FALSE(result.options.enabled);
  EXPECT_EQ(result.warnings, "");
}

TEST(Options, BlanksAroundWordsAreIgnored) {
  const Parsed result = parsed(" decay_ms :\t7 , stats_print: on\n");

  EXPECT_EQ(result.options.decay_ms, 7U);
  EXPECT_TRUE(result.options.stats_print);
  EXPECT_EQ(result.warnings, "");
}

TEST(Options, EmptyPairsAreIgnored) {
  const Parsed result = parsed(",, ,decay_ms:3,,");

  EXPECT_EQ(result.options.decay_ms, 3U);
  EXPECT_EQ(result.warnings, "");
}

TEST(Options, LastOneWins) { EXPECT_EQ(parsed("decay_ms:1,decay_ms:2").options.decay_ms, 2U); }

struct Spelling {
  const char* text;
  bool value;
};

class FlagSpelling : public testing::TestWithParam<Spelling> {};

TEST_P(FlagSpelling, IsRead) {
  // Begins with the other value, so that a value that is not read is seen.
  Options options;
  options.deepbind = !GetParam().value;

  parse_options(std::string("deepbind:") + GetParam().text, "TEST", options);

  EXPECT_EQ(options.deepbind, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(Options, FlagSpelling,
                         testing::Values(Spelling{"true", true}, Spelling{"on", true},
                                         Spelling{"1", true}, Spelling{"false", false},
                                         Spelling{"off", false}, Spelling{"0", false}));

struct PoolSpelling {
  const char* text;
  Hugetlb value;
};

class HugetlbSpelling : public testing::TestWithParam<PoolSpelling> {};

TEST_P(HugetlbSpelling, IsRead) {
  // Begins with another value, so that a value that is not read is seen.
  Options options;
  options.hugetlb = GetParam().value == Hugetlb::k2MiB ? Hugetlb::k1GiB : Hugetlb::k2MiB;
  testing::internal::CaptureStderr();

  parse_options(std::string("hugetlb:") + GetParam().text, "TEST", options);

  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(options.hugetlb, GetParam().value);
}

INSTANTIATE_TEST_SUITE_P(
    Options, HugetlbSpelling,
    testing::Values(PoolSpelling{"2m", Hugetlb::k2MiB}, PoolSpelling{"2M", Hugetlb::k2MiB},
                    PoolSpelling{"1g", Hugetlb::k1GiB}, PoolSpelling{"1G", Hugetlb::k1GiB},
                    PoolSpelling{"off", Hugetlb::kOff}, PoolSpelling{"false", Hugetlb::kOff},
                    PoolSpelling{"0", Hugetlb::kOff}));

class BadHugetlb : public testing::TestWithParam<const char*> {};

TEST_P(BadHugetlb, IsNamedAndChangesNothing) {
  const Parsed result = parsed(std::string("hugetlb:1g,hugetlb:") + GetParam());

  EXPECT_EQ(result.options.hugetlb, Hugetlb::k1GiB);
  EXPECT_EQ(result.warnings,
            "lunalloc: TEST: option \"hugetlb\" wants 2m, 1g or off; it is ignored\n");
}

INSTANTIATE_TEST_SUITE_P(Options, BadHugetlb,
                         testing::Values("", "on", "true", "1", "2", "m", "2mb", "2 m", "2MiB",
                                         "4m", "1gb", "2097152", "OFF", "2m:1g"));

class BadNumber : public testing::TestWithParam<const char*> {};

TEST_P(BadNumber, IsNamedAndChangesNothing) {
  const Parsed result = parsed(std::string("decay_ms:") + GetParam());

  EXPECT_EQ(result.options.decay_ms, 1000U);
  EXPECT_EQ(result.warnings,
            "lunalloc: TEST: option \"decay_ms\" wants a whole number; it is ignored\n");
}

INSTANTIATE_TEST_SUITE_P(Options, BadNumber,
                         testing::Values("", "-1", "+1", "1.5", "1k", "0x10", "1 2", "five",
                                         "1234567890123456789", "1:2"));

TEST(Options, LongestNumberIsRead) {
  EXPECT_EQ(parsed("decay_ms:999999999999999999").options.decay_ms, 999'999'999'999'999'999U);
}

TEST(Options, BadFlagIsNamedAndChangesNothing) {
  const Parsed result = parsed("enabled:maybe");

  EXPECT_TRUE(result.options.enabled);
  EXPECT_EQ(result.warnings,
            "lunalloc: TEST: option \"enabled\" wants true or false; it is ignored\n");
}

TEST(Options, KeyWithoutValueIsNamed) {
  EXPECT_NE(parsed("stats_print").warnings.find("wants true or false"), std::string::npos);
}

TEST(Options, UnknownKeyIsNamedWithItsNearest) {
  EXPECT_EQ(parsed("decay_sm:5").warnings,
            "lunalloc: TEST: option \"decay_sm\" is unknown; the nearest is decay_ms;"
            " it is ignored\n");
  EXPECT_NE(parsed("stat_print:1").warnings.find("nearest is stats_print"), std::string::npos);
  EXPECT_NE(parsed("deep_bind:1").warnings.find("nearest is deepbind"), std::string::npos);
}

TEST(Options, KeysAreCaseSensitive) {
  EXPECT_NE(parsed("ENABLED:false").warnings.find("is unknown"), std::string::npos);
}

TEST(Options, WarningDoesNotKeepTheRestFromBeingRead) {
  EXPECT_EQ(parsed("nonsense,decay_ms:9").options.decay_ms, 9U);
}

TEST(Options, WarningOfAVeryLongKeyIsOneLine) {
  const std::string warnings = parsed(std::string(5000, 'k') + ":1").warnings;

  EXPECT_LE(warnings.size(), 320U);
  EXPECT_EQ(warnings.find('\n'), warnings.size() - 1);
}

TEST(Options, WarningShowsNothingThatATerminalObeys) {
  const std::string warnings = parsed("\x1b[2J\x7f\nkey:1").warnings;

  EXPECT_NE(warnings.find("option \"?[2J??key\""), std::string::npos) << warnings;
  EXPECT_EQ(warnings.find('\n'), warnings.size() - 1);
}

TEST(Options, TableHasEachOption) {
  const Options options;
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    EXPECT_EQ(option_name(i), kOptionNames[i].view());
    EXPECT_EQ(option_index(kOptionNames[i].view()), i);
  }
  EXPECT_EQ(option_index("nonsense"), kOptionCount);
  EXPECT_EQ(option_at(option_index("decay_ms")).number(options), 1000U);
  EXPECT_EQ(option_at(option_index("profile_file")).number(options), 0U);
}

TEST(Options, WhatIsPrintedIsReadAgain) {
  Options options = parsed(
                        "decay_ms:7,hugetlb:1g,deepbind:on,profile_file:a b,profile_kind:growth,"
                        "profile_format:json,guard_action:report")
                        .options;
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    std::array<char, 300> first;
    std::array<char, 300> second;
    Text before(first.data(), first.size());
    Text after(second.data(), second.size());
    option_at(i).print(options, before);
    if (before.view().empty()) continue;  // of a text that is not set
    Options again;
    EXPECT_TRUE(option_at(i).read(before.view(), again)) << kOptionNames[i].view();
    option_at(i).print(again, after);
    EXPECT_EQ(before.view(), after.view());
  }
}

TEST(Options, SourcesSayWhoSetWhatLast) {
  Options options;
  OptionSources sources;
  testing::internal::CaptureStderr();
  parse_options("decay_ms:1,deepbind:1,nonsense:1", "FIRST", options, &sources);
  parse_options("decay_ms:2,deepbind:maybe", "SECOND", options, &sources);
  print_options(options, sources);
  const std::string printed = testing::internal::GetCapturedStderr();

  EXPECT_EQ(sources.mistakes, 2U);
  EXPECT_NE(printed.find("lunalloc: decay_ms:2 from SECOND\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("lunalloc: deepbind:true from FIRST\n"), std::string::npos);
  EXPECT_NE(printed.find("lunalloc: enabled:true by default\n"), std::string::npos);
}

TEST(OptionsFile, LinesBeforeAnyHeadingAreForAll) {
  EXPECT_EQ(parsed_file("decay_ms:5\nstats_print:on\n").options.decay_ms, 5U);
  EXPECT_TRUE(parsed_file("decay_ms:5\nstats_print:on").options.stats_print);
}

TEST(OptionsFile, SectionIsForItsProgramOnly) {
  constexpr std::string_view kText = "[other]\ndecay_ms:1\n[prog]\ndecay_ms:2\n[third]\ndecay_ms:3";

  EXPECT_EQ(parsed_file(kText, "prog").options.decay_ms, 2U);
  EXPECT_EQ(parsed_file(kText, "other").options.decay_ms, 1U);
  EXPECT_EQ(parsed_file(kText, "none").options.decay_ms, 1000U);
}

TEST(OptionsFile, NameOfASectionIsTheWholeName) {
  EXPECT_EQ(parsed_file("[pro]\ndecay_ms:1\n[program]\ndecay_ms:2\n").options.decay_ms, 1000U);
}

TEST(OptionsFile, BlanksInAHeadingAreIgnored) {
  EXPECT_EQ(parsed_file("  [ prog ]  \ndecay_ms:2\n").options.decay_ms, 2U);
}

TEST(OptionsFile, HeadingThatIsNotClosedIsForNobody) {
  EXPECT_EQ(parsed_file("[prog\ndecay_ms:2\n").options.decay_ms, 1000U);
  EXPECT_EQ(parsed_file("[\ndecay_ms:2\n").options.decay_ms, 1000U);
}

TEST(OptionsFile, CommentsAndEmptyLinesAreIgnored) {
  const Parsed result = parsed_file("# decay_ms:1\n\n \t\r\ndecay_ms:4 # decay_ms:9\r\n#");

  EXPECT_EQ(result.options.decay_ms, 4U);
  EXPECT_EQ(result.warnings, "");
}

TEST(OptionsFile, WarnsInTheNameOfTheFile) {
  EXPECT_EQ(parsed_file("enabled:2").warnings,
            "lunalloc: FILE: option \"enabled\" wants true or false; it is ignored\n");
}

TEST(OptionsFile, DoesNotWarnOfWhatIsForOthers) {
  EXPECT_EQ(parsed_file("[other]\nnonsense:1\n").warnings, "");
}

TEST(Options, PlacementIsOneOfTwo) {
  EXPECT_EQ(parsed("").options.placement, Placement::kBestFit);
  EXPECT_EQ(parsed("placement:low_address").options.placement, Placement::kLowAddress);
  EXPECT_EQ(parsed("placement:low_address,placement:best_fit").options.placement,
            Placement::kBestFit);
  EXPECT_NE(parsed("placement:first_fit").warnings.find("best_fit or low_address"),
            std::string::npos);
}

TEST(Options, AGuardDiesOrReports) {
  EXPECT_EQ(parsed("").options.guard_samples, 0U);
  EXPECT_EQ(parsed("").options.hard_limit_action, LimitAction::kDeny);
  EXPECT_EQ(parsed("hard_limit_action:retry").options.hard_limit_action, LimitAction::kRetry);
  EXPECT_EQ(parsed("hard_limit_action:abort").options.hard_limit_action, LimitAction::kAbort);
  EXPECT_NE(parsed("hard_limit_action:die").warnings.find("deny, retry or abort"),
            std::string::npos);
  EXPECT_EQ(parsed("").options.guard_action, GuardAction::kDie);
  EXPECT_EQ(parsed("guard_action:report").options.guard_action, GuardAction::kReport);
  EXPECT_EQ(parsed("guard_action:report,guard_action:die").options.guard_action, GuardAction::kDie);
  EXPECT_NE(parsed("guard_action:live").warnings.find("die or report"), std::string::npos);
}

}  // namespace
}  // namespace luna
