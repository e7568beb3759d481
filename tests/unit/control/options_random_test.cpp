// SPDX-License-Identifier: MIT
// Texts of options that nobody would write: random bytes, and right texts that were cut off or
// changed. By hand for longer: LUNA_FUZZ_SECONDS=600
#include "control/options.hpp"
#include "support/fuzz_time.hpp"
#include "support/random.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace luna {
namespace {

constexpr std::uint64_t kSeed = 20;
constexpr std::uint64_t kRounds = 20'000;

// Warnings go nowhere: there are very many.
class QuietErrors {
 public:
  QuietErrors() : kept_(dup(STDERR_FILENO)) {
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDERR_FILENO);
    close(nowhere);
  }
  ~QuietErrors() {
    dup2(kept_, STDERR_FILENO);
    close(kept_);
  }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;

 private:
  int kept_;
};

// The text lies at the end of a block of its own, so that a sanitizer sees who reads beyond.
struct Exact {
  explicit Exact(const std::string& text) : bytes(new char[text.size()]), length(text.size()) {
    text.copy(bytes.get(), length);
  }
  [[nodiscard]] std::string_view view() const { return {bytes.get(), length}; }

  std::unique_ptr<char[]> bytes;
  std::size_t length;
};

[[nodiscard]] std::string random_bytes(test::Random& random) {
  std::string text(random.below(80), '\0');
  for (char& letter : text) letter = static_cast<char>(random.below(256));
  return text;
}

// Of what options are made of, in any order.
[[nodiscard]] std::string random_words(test::Random& random) {
  constexpr std::string_view kWords[] = {":", ",", "\n", " ", "[", "]", "#", "true", "off",  "0",
                                         "1", "9", "2m", "-", "k", "%", "x", "prog", "json", "die"};
  std::string text;
  for (std::size_t count = random.below(12); count > 0; --count) {
    text += random.one_in(3) ? kOptionNames[random.below(kOptionCount)].view()
                             : kWords[random.below(std::size(kWords))];
  }
  return text;
}

// Right pairs, cut off somewhere, or with one other byte.
[[nodiscard]] std::string damaged(test::Random& random) {
  std::string text =
      "decay_ms:50,profile_file:/tmp/%p.%n,hugetlb:2m,profile_kind:growth,guard_action:report";
  if (random.one_in(2)) return text.substr(0, random.below(text.size()));
  text[random.below(text.size())] = static_cast<char>(random.below(256));
  return text;
}

void expect_sense(const Options& options) {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    std::array<char, 256> buffer;
    Text text(buffer.data(), buffer.size());
    option_at(i).print(options, text);
    Options again;
    // What was read can be read again; an empty text is one that was never set.
    ASSERT_TRUE(text.view().empty() || option_at(i).read(text.view(), again))
        << kOptionNames[i].view();
  }
}

// Returns how much of the text made no sense.
std::size_t try_one(test::Random& random, Options& options) {
  const std::size_t kind = random.below(3);
  const Exact text(kind == 0   ? random_bytes(random)
                   : kind == 1 ? random_words(random)
                               : damaged(random));
  OptionSources sources;
  parse_options(text.view(), "TEST", options, &sources);
  parse_options_file(text.view(), "FILE", "prog", options, &sources);
  return sources.mistakes;
}

TEST(OptionsRandom, NoTextDoesHarm) {
  const QuietErrors quiet;
  test::Random random(kSeed);
  Options options;
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    wrong += try_one(random, options) != 0 ? 1 : 0;
    if (i % 1000 == 0) expect_sense(options);
  }
  expect_sense(options);

  EXPECT_GT(wrong, kRounds / 2);
  EXPECT_LT(wrong, kRounds);
}

TEST(OptionsRandom, NorForAsLongAsIsWanted) {
  const std::uint64_t rounds = test::fuzz_until_time_is_over([](test::Random& random) {
    const QuietErrors quiet;
    Options options;
    for (int i = 0; i < 1000; ++i) try_one(random, options);
    expect_sense(options);
  });
  EXPECT_EQ(rounds > 0, test::fuzz_time().count() > 0);
}

}  // namespace
}  // namespace luna
