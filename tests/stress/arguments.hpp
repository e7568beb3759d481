// SPDX-License-Identifier: MIT
// What a stress test is called with: --seed N and --seconds N. Without a seed
// the time is one; without seconds LUNA_STRESS_SECONDS says, else two.
#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace luna::test {

struct Arguments {
  std::uint64_t seed = 0;
  std::uint64_t seconds = 2;
};

[[noreturn]] inline void usage_and_exit(const char* program) {
  std::fprintf(stderr, "usage: %s [--seed N] [--seconds N]\n", program);
  std::exit(2);
}

[[nodiscard]] inline bool read_number(std::string_view text, std::uint64_t& number) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

// Prints the seed, so that a failure can be repeated.
[[nodiscard]] inline Arguments read_arguments(int count, char** values) {
  Arguments arguments;
  arguments.seed =
      static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  if (const char* seconds = std::getenv("LUNA_STRESS_SECONDS"); seconds != nullptr)
    if (!read_number(seconds, arguments.seconds)) usage_and_exit(values[0]);
  for (int i = 1; i < count; i += 2) {
    const std::string_view name = values[i];
    const bool known = name == "--seed" || name == "--seconds";
    std::uint64_t& number = name == "--seed" ? arguments.seed : arguments.seconds;
    if (!known || i + 1 == count || !read_number(values[i + 1], number)) usage_and_exit(values[0]);
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(arguments.seed));
  std::fflush(stdout);
  return arguments;
}

}  // namespace luna::test
