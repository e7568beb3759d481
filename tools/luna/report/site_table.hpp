// SPDX-License-Identifier: MIT
// Frames and call stacks for the page: each frame is written once, and stacks name its place.
#pragma once

#include "heap_profile.hpp"
#include "leak_report.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace luna::tool {

class FrameTable {
 public:
  // The places of the frames of a stack in rows(), innermost first, as an array.
  [[nodiscard]] nlohmann::ordered_json stack(const HeapProfile& profile,
                                             const HeapProfile::Sample& sample);

  // Each is [function or place, file, line, module, whether it was inlined].
  [[nodiscard]] const nlohmann::ordered_json& rows() const noexcept { return rows_; }

 private:
  [[nodiscard]] std::size_t place_of(nlohmann::ordered_json row);

  nlohmann::ordered_json rows_ = nlohmann::ordered_json::array();
  std::map<std::string, std::size_t> places_;
};

// {"rows": [{"values", "labels", "stack"}], "left_out"}: those with most of any type, in the order
// of what the profile is of.
[[nodiscard]] nlohmann::ordered_json site_rows(const HeapProfile& profile, FrameTable& frames);

// {"head", "sites": [the site as it stands there, with "stack" for its frames]}
[[nodiscard]] nlohmann::ordered_json leak_rows(const LeakFile& leaks, FrameTable& frames);

}  // namespace luna::tool
