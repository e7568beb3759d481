// SPDX-License-Identifier: MIT
// What a report is made from: what files hold, or a process told.
#pragma once

#include "blackbox_reader.hpp"
#include "heap_profile.hpp"
#include "leak_report.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

struct ReportSource {
  std::string name;  // of the file, or the page of a process
  std::string what;  // "heap profile"
  std::string cut;   // why it was not read to its end; empty: it was
};

// Each part may be missing: of the JSON, null; of others, empty.
struct ReportData {
  std::string subject;  // what the report is about: a program, or a file
  std::vector<ReportSource> sources;
  std::optional<HeapProfile> profile;
  std::optional<HeapProfile> earlier;  // to compare with
  std::optional<LeakFile> leaks;
  std::optional<BlackBox> box;
  nlohmann::ordered_json statistics;
  nlohmann::ordered_json map;
  nlohmann::ordered_json timeline;
};

// Adds what a file holds; what that is tell its first bytes. Throws ProfileError, with the name of
// the file in its message.
void add_report_file(ReportData& data, const std::string& path);

// The earlier of two profiles.
void add_earlier_profile(ReportData& data, const std::string& path);

}  // namespace luna::tool
