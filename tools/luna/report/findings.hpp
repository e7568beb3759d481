// SPDX-License-Identifier: MIT
// What of all that was measured matters most, in words.
#pragma once

#include "report_data.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace luna::tool {

struct Finding {
  double weight = 0;  // 0 to 1: how much of the memory it is about, and how sure it is
  std::string title;
  std::string text;                   // what it means, and what to do
  std::vector<std::string> evidence;  // figures, each a line
  std::string section;                // of the page, which shows it
};

// The `most` with the largest weight; fewer where little stands out.
[[nodiscard]] std::vector<Finding> find_most(const ReportData& data, std::size_t most);

}  // namespace luna::tool
