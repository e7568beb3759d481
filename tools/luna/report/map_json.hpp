// SPDX-License-Identifier: MIT
// A map of pages, as docs/map.md has it, made small enough for the page of a report.
#pragma once

#include <nlohmann/json.hpp>

namespace luna::tool {

// A row for each 2 MiB, with 128 letters for what lies there and 128 digits for how full that is;
// null: it is no map.
[[nodiscard]] nlohmann::ordered_json map_json(const nlohmann::ordered_json& map);

}  // namespace luna::tool
