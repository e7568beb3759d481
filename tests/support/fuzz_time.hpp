// SPDX-License-Identifier: MIT
// Random tests for as long as somebody wants: LUNA_FUZZ_SECONDS=600. The seed is printed first, so
// that a run that ends badly can be repeated: LUNA_FUZZ_SEED=<number>.
#pragma once

#include "support/random.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace luna::test {

[[nodiscard]] inline std::chrono::seconds fuzz_time() {
  const char* wanted = std::getenv("LUNA_FUZZ_SECONDS");
  return std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 0);
}

// Calls round(random) until the time is over. Returns how often.
template <typename Round>
std::uint64_t fuzz_until_time_is_over(Round round) {
  const auto end = std::chrono::steady_clock::now() + fuzz_time();
  const char* wanted = std::getenv("LUNA_FUZZ_SEED");
  const std::uint64_t seed = wanted != nullptr
                                 ? std::strtoull(wanted, nullptr, 10)
                                 : static_cast<std::uint64_t>(end.time_since_epoch().count());
  std::printf("LUNA_FUZZ_SEED=%llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Random random(seed);
  std::uint64_t rounds = 0;
  for (; std::chrono::steady_clock::now() < end; ++rounds) round(random);
  std::printf("%llu rounds\n", static_cast<unsigned long long>(rounds));
  return rounds;
}

}  // namespace luna::test
