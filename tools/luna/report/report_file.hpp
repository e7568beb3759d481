// SPDX-License-Identifier: MIT
// Writes the page of a report into a file.
#pragma once

#include "report_data.hpp"

#include <string>
#include <string_view>

namespace luna::tool {

struct ReportOutput {
  std::string file;
  std::string debug_folder;  // where separate debug files are looked for first; may be empty
};

// The page as it was built; empty: this luna was built without.
[[nodiscard]] std::string_view report_page();

// Throws ProfileError where this luna has no page.
void expect_report_page();

// Gives frames their names, and writes. Throws ProfileError.
void write_report_file(ReportData& data, const ReportOutput& output);

}  // namespace luna::tool
