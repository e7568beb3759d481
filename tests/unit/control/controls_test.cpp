// SPDX-License-Identifier: MIT
#include "control/controls.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

namespace luna {
namespace {

// ---- The table -----------------------------------------------------------------------

struct Row {
  std::string_view option;  // empty: it is of none
  std::string_view name;
};

#define LUNA_CHANGES(option, name, ...) Row{#option, name},
#define LUNA_LOOKS(option, name, ...) Row{#option, name},
#define LUNA_FIXED(option, name, ...) Row{#option, name},
#define LUNA_FIXED_LOOKS(option, name, ...) Row{#option, name},
#define LUNA_FIGURE(name, ...) Row{"", name},
#define LUNA_WORD(name, ...) Row{"", name},
#define LUNA_ACTION(name, ...) Row{"", name},
constexpr Row kRows[] = {
#include "control/controls.def"
};
#undef LUNA_CHANGES
#undef LUNA_LOOKS
#undef LUNA_FIXED
#undef LUNA_FIXED_LOOKS
#undef LUNA_FIGURE
#undef LUNA_WORD
#undef LUNA_ACTION

TEST(ControlTable, HasARowForEachOption) {
  for (const std::string_view option : kOptionNames) {
    const auto is_of = [option](const Row& row) { return row.option == option; };
    EXPECT_EQ(std::ranges::count_if(kRows, is_of), 1)
        << "src/control/controls.def has not one row for the option " << option;
  }
}

TEST(ControlTable, HasEachNameOnce) {
  for (const Row& row : kRows) EXPECT_EQ(std::ranges::count(kRows, row.name, &Row::name), 1);
}

TEST(ControlTable, NamesAreWordsWithDots) {
  for (const Row& row : kRows) {
    const bool plain = std::ranges::all_of(row.name, [](char letter) {
      return (letter >= 'a' && letter <= 'z') || letter == '_' || letter == '.';
    });
    EXPECT_TRUE(plain && !row.name.starts_with('.') && !row.name.ends_with('.')) << row.name;
  }
}

// ---- What the registry does with one -------------------------------------------------

constexpr std::uint64_t kRefused = 13;

struct Calls {
  int applied = 0;
  std::uint64_t acted = 0;
  Options* options = nullptr;
};

// The functions of a table have nothing else to hang on.
Calls calls;

[[nodiscard]] int apply() noexcept {
  ++calls.applied;
  return calls.options->decay_ms == kRefused ? ENOMEM : 0;
}
[[nodiscard]] int act(std::uint64_t number) noexcept {
  calls.acted = number;
  return 0;
}
void look(Options& now) noexcept { now.deepbind = true; }
[[nodiscard]] std::uint64_t figure(void* reader) noexcept {
  return *static_cast<std::uint64_t*>(reader);
}
[[nodiscard]] const char* word() noexcept { return "a word"; }

[[nodiscard]] constexpr std::uint16_t place_of(std::string_view name) noexcept {
  return static_cast<std::uint16_t>(option_index(name));
}

constexpr Control kTable[] = {
    {.name = "decay.ms",
     .unit = "ms",
     .range = {2, 100},
     .option = place_of("decay_ms"),
     .apply = &apply},
    {.name = "deepbind", .option = place_of("deepbind"), .look = &look, .apply = nullptr},
    {.name = "profile.file", .option = place_of("profile_file"), .apply = nullptr},
    {.name = "profile.kind", .option = place_of("profile_kind"), .apply = nullptr},
    {.name = "guard.slots",
     .note = "so it is",
     .option = place_of("guard_slots"),
     .apply = nullptr},
    {.name = "a.figure", .note = "a number", .kind = ControlKind::kFigure, .figure = &figure},
    {.name = "a.word", .note = "a text", .kind = ControlKind::kWord, .word = &word},
    {.name = "an.action", .note = "something", .kind = ControlKind::kAction, .act = &act},
};

class Registry : public testing::Test {
 protected:
  Registry() {
    calls = {};
    calls.options = &options;
  }

  [[nodiscard]] const Control& at(std::string_view name) const { return *controls.find(name); }

  [[nodiscard]] std::string text_of(std::string_view name) {
    std::array<char, 256> buffer;
    Text text(buffer.data(), buffer.size());
    std::uint64_t reader = 7;
    return controls.print(at(name), &reader, text) ? std::string(text.view()) : "nothing";
  }

  [[nodiscard]] std::string wants_of(std::string_view name) const {
    std::array<char, 256> buffer;
    Text text(buffer.data(), buffer.size());
    add_wants(at(name), text);
    return std::string(text.view());
  }

  Options options;
  OptionChanges changes{options};
  Controls controls{kTable, changes};
};

TEST_F(Registry, FindsWholeNamesOnly) {
  EXPECT_EQ(controls.find("decay.ms"), &kTable[0]);
  for (const char* name : {"", "decay", "decay.m", "decay.ms ", "decay_ms", "DECAY.MS"})
    EXPECT_EQ(controls.find(name), nullptr) << name;
}

TEST_F(Registry, KnowsTheNearestName) {
  EXPECT_STREQ(controls.nearest("decay_ms").name, "decay.ms");
  EXPECT_STREQ(controls.nearest("profile.fiel").name, "profile.file");
  EXPECT_STREQ(controls.nearest(std::string(5000, 'x')).name, "decay.ms");
}

TEST_F(Registry, SetsWhatIsSaidInWordsOrAsANumber) {
  EXPECT_EQ(controls.set(at("decay.ms"), "50"), 0);
  EXPECT_EQ(options.decay_ms, 50U);
  EXPECT_EQ(text_of("decay.ms"), "50");
  EXPECT_EQ(controls.set(at("decay.ms"), std::uint64_t{60}), 0);
  EXPECT_EQ(options.decay_ms, 60U);
  EXPECT_EQ(calls.applied, 2);
}

TEST_F(Registry, ChangesThatOptionAlone) {
  EXPECT_EQ(controls.set(at("profile.file"), "a.%n"), 0);
  EXPECT_EQ(controls.set(at("profile.kind"), "growth"), 0);

  EXPECT_EQ(options.profile_file.view(), "a.%n");
  EXPECT_EQ(options.profile_kind, ProfileKind::kGrowth);
  EXPECT_EQ(options.decay_ms, 1000U);
}

TEST_F(Registry, RefusesValuesWithoutSenseOrOutOfRange) {
  for (const char* value : {"", "1", "101", "-2", "2 ", "two", "99999999999999999999"})
    EXPECT_EQ(controls.set(at("decay.ms"), value), EINVAL) << value;
  EXPECT_EQ(controls.set(at("decay.ms"), std::uint64_t{101}), EINVAL);
  EXPECT_EQ(controls.set(at("decay.ms"), UINT64_MAX), EINVAL);
  EXPECT_EQ(controls.set(at("profile.kind"), "heaps"), EINVAL);
  EXPECT_EQ(controls.set(at("profile.kind"), std::uint64_t{1}), EINVAL);
  EXPECT_EQ(controls.set(at("profile.file"), std::string(249, 'x')), EINVAL);

  EXPECT_EQ(options.decay_ms, 1000U);
  EXPECT_EQ(calls.applied, 0);
}

TEST_F(Registry, TakesBackWhatCannotBePutInForce) {
  EXPECT_EQ(controls.set(at("decay.ms"), kRefused), ENOMEM);

  EXPECT_EQ(calls.applied, 1);
  EXPECT_EQ(options.decay_ms, 1000U);
}

TEST_F(Registry, RefusesToSetWhatIsFixed) {
  for (const char* name : {"guard.slots", "a.figure", "a.word"}) {
    EXPECT_EQ(controls.set(at(name), "1"), EPERM) << name;
    EXPECT_EQ(controls.set(at(name), std::uint64_t{1}), EPERM) << name;
  }
}

TEST_F(Registry, ReadsWhatIsInForce) {
  std::uint64_t reader = 7;
  std::uint64_t number = 0;

  EXPECT_FALSE(options.deepbind);
  EXPECT_EQ(text_of("deepbind"), "true");
  EXPECT_TRUE(controls.get(at("deepbind"), &reader, number));
  EXPECT_EQ(number, 1U);
  EXPECT_TRUE(controls.get(at("a.figure"), &reader, number));
  EXPECT_EQ(number, 7U);
  EXPECT_FALSE(controls.get(at("profile.file"), &reader, number));
  EXPECT_FALSE(controls.get(at("an.action"), &reader, number));
  EXPECT_EQ(text_of("a.figure"), "7");
  EXPECT_EQ(text_of("a.word"), "a word");
  EXPECT_EQ(text_of("profile.file"), "lunalloc.%p.%n");
  EXPECT_EQ(text_of("an.action"), "nothing");
}

TEST_F(Registry, ActsWithTheNumber) {
  EXPECT_EQ(controls.set(at("an.action"), "17"), 0);
  EXPECT_EQ(calls.acted, 17U);
  EXPECT_EQ(controls.set(at("an.action"), "now"), EINVAL);
}

TEST_F(Registry, SaysWhatMayBeSet) {
  EXPECT_EQ(wants_of("decay.ms"), "a whole number from 2 to 100");
  EXPECT_EQ(wants_of("deepbind"), "true or false");
  EXPECT_EQ(wants_of("profile.kind"), "heap, peak, growth, lifetimes or temporary");
}

TEST_F(Registry, KnowsWhichOptionsAreOutOfRange) {
  EXPECT_FALSE(is_in_range(at("decay.ms"), options));  // 1,000
  options.decay_ms = 5;
  EXPECT_TRUE(is_in_range(at("decay.ms"), options));
  EXPECT_TRUE(is_in_range(at("a.figure"), options));
}

// A text of one letter, of which each reader sees one value or the other.
TEST_F(Registry, TextsAreReadWholeWhileTheyChange) {
  const std::string other(200, 'b');
  ASSERT_EQ(controls.set(at("profile.file"), std::string(200, 'a')), 0);
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i)
      EXPECT_EQ(
          controls.set(at("profile.file"), std::string(static_cast<std::size_t>(100 + i % 100),
                                                       i % 2 == 0 ? 'a' : 'b')),
          0);
    done.store(true);
  });
  while (!done.load()) {
    const std::string seen = text_of("profile.file");
    ASSERT_EQ(seen, std::string(seen.size(), seen[0]));
  }
  writer.join();
}

}  // namespace
}  // namespace luna
