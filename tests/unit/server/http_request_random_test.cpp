// SPDX-License-Identifier: MIT
// Requests that nobody would send: random bytes, words of HTTP in any order, and right requests
// that were cut off or changed. By hand for longer: LUNA_FUZZ_SECONDS=600
#include "support/fuzz_time.hpp"
#include "support/random.hpp"
#include "support/request_fuzz.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace luna {
namespace {

constexpr std::uint64_t kSeed = 21;
constexpr std::uint64_t kRounds = 100'000;

[[nodiscard]] std::string random_bytes(test::Random& random) {
  std::string text(random.below(300), '\0');
  for (char& letter : text) letter = static_cast<char>(random.below(256));
  return text;
}

[[nodiscard]] std::string random_words(test::Random& random) {
  constexpr std::string_view kWords[] = {"GET",
                                         "PUT",
                                         " ",
                                         "/",
                                         "/metrics",
                                         "HTTP/1.1",
                                         "HTTP/1.0",
                                         "\r\n",
                                         "\n",
                                         "\r",
                                         "Host: a",
                                         "Content-Length: 1",
                                         "Connection",
                                         ":",
                                         "close",
                                         "?value=",
                                         "%41",
                                         "Transfer-Encoding: chunked",
                                         "Accept:",
                                         ";q=0.5",
                                         ",",
                                         "\t",
                                         "GET / HTTP/1.1",
                                         "Expect: 100-continue",
                                         "\0",
                                         "\r\n\r\n",
                                         "http://",
                                         "*",
                                         "Origin: null",
                                         "text/plain"};
  std::string text;
  for (std::size_t count = random.below(24); count > 0; --count)
    text += kWords[random.below(std::size(kWords))];
  if (random.one_in(50)) text.append(random.below(6000), 'a');
  return text;
}

// Some bytes of a right request are other ones, are gone or stand twice; or it ends early.
[[nodiscard]] std::string damaged(test::Random& random) {
  std::string text =
      "PUT /control/decay.ms?value=%31&a=b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
      "Accept: application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1\r\n"
      "Connection: keep-alive\r\n\r\n50";
  for (std::size_t count = random.below(4); count > 0; --count) {
    const std::size_t place = random.below(text.size());
    const std::size_t how = random.below(3);
    if (how == 0) text[place] = static_cast<char>(random.below(256));
    if (how == 1) text.erase(place, random.below(8));
    if (how == 2) text.insert(place, text.substr(random.below(text.size()), random.below(40)));
  }
  return random.one_in(4) ? text.substr(0, random.below(text.size())) : text;
}

HeadState try_one(test::Random& random) {
  const std::size_t kind = random.below(4);
  const std::string text = kind == 0   ? random_bytes(random)
                           : kind == 1 ? random_words(random)
                                       : damaged(random);
  return test::fuzz_request(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

TEST(HttpRequestRandom, NoBytesDoHarm) {
  test::Random random(kSeed);
  std::map<HeadState, std::uint64_t> seen;
  for (std::uint64_t i = 0; i < kRounds; ++i) ++seen[try_one(random)];

  for (const HeadState state : {HeadState::kIncomplete, HeadState::kComplete, HeadState::kRefused})
    EXPECT_GT(seen[state], kRounds / 100) << static_cast<int>(state);
}

TEST(HttpRequestRandom, NorForAsLongAsIsWanted) {
  const std::uint64_t rounds = test::fuzz_until_time_is_over([](test::Random& random) {
    for (int i = 0; i < 1000; ++i) try_one(random);
  });
  EXPECT_EQ(rounds > 0, test::fuzz_time().count() > 0);
}

}  // namespace
}  // namespace luna
