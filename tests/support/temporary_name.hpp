// SPDX-License-Identifier: MIT
// A name for mkstemp() or mkdtemp(), which make it unique.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace luna::test {

[[nodiscard]] inline std::string temporary_name(const std::string& what) {
  return testing::TempDir() + "lunalloc_" + what + "_" + std::string(6, 'X');
}

}  // namespace luna::test
