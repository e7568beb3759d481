// SPDX-License-Identifier: MIT
// A name for mkstemp() or mkdtemp(), which make it unique.
#pragma once

#include <filesystem>
#include <string>

namespace luna::test {

[[nodiscard]] inline std::string temporary_name(const std::string& what) {
  const std::filesystem::path name = std::filesystem::temp_directory_path() / ("lunalloc_" + what);
  return name.string() + "_" + std::string(6, 'X');
}

}  // namespace luna::test
