// SPDX-License-Identifier: MIT
// The file in which a run-time compiler would name its code, of this process, as long as this
// lives. Its name is given: see os/perf_map.hpp.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <string_view>

namespace luna::test {

struct PerfMap {
  explicit PerfMap(std::string_view text) {
    unlink(path.c_str());
    std::ofstream file(path, std::ios::binary);
    file << text;
    EXPECT_TRUE(file.flush().good());
  }
  ~PerfMap() { unlink(path.c_str()); }
  PerfMap(const PerfMap&) = delete;
  PerfMap& operator=(const PerfMap&) = delete;

  const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
};

}  // namespace luna::test
