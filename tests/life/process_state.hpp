// SPDX-License-Identifier: MIT
// What a process has open, mapped and resident, to be compared with what it had before.
#pragma once

#include "expect.hpp"
#include "measure.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cstddef>

namespace process_state {

// Not by /proc/self/fd, whose reading opens one more.
[[nodiscard]] inline std::size_t descriptor_count() {
  rlimit limit{};
  EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int most = static_cast<int>(limit.rlim_cur < 4096 ? limit.rlim_cur : 4096);
  std::size_t count = 0;
  for (int i = 0; i < most; ++i) count += fcntl(i, F_GETFD) >= 0 ? 1 : 0;
  return count;
}

struct State {
  std::size_t descriptors;
  std::size_t mappings;
  std::size_t resident;
};

// Requires: no other thread of the program allocates.
[[nodiscard]] inline State take() {
  malloc_trim(0);
  return {descriptor_count(), measure::mapping_count(), measure::resident_bytes()};
}

// Ends the process if more is in use than before, and a little.
inline void expect_no_drift(const State& before, const State& after, std::size_t mappings,
                            std::size_t bytes) {
  expect::print(STDOUT_FILENO,
                "descriptors %zu, then %zu; mappings %zu, then %zu; resident KiB %zu, then %zu\n",
                before.descriptors, after.descriptors, before.mappings, after.mappings,
                before.resident / 1024, after.resident / 1024);
  EXPECT(after.descriptors <= before.descriptors);
  EXPECT(after.mappings <= before.mappings + mappings);
  EXPECT(after.resident <= before.resident + bytes);
}

}  // namespace process_state
