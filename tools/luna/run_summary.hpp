// SPDX-License-Identifier: MIT
// What a program that has ended left in files, in a few lines for people.
#pragma once

#include "child_process.hpp"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace luna::tool {

// Empty: there is none.
struct RunFiles {
  std::filesystem::path statistics;
  std::filesystem::path profile;  // as JSON
  std::filesystem::path leaks;    // as text
  bool is_kept = true;            // whether these two outlive the command
  std::filesystem::path report;
};

// At most 25 lines. What is in the files is not trusted.
void write_summary(const std::string& program, const ChildEnd& end, const RunFiles& files,
                   std::ostream& out);

}  // namespace luna::tool
