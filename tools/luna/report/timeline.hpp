// SPDX-License-Identifier: MIT
// What was at which moment: of a black box, or of a process that was asked again and again.
#pragma once

#include "report_data.hpp"

#include <nlohmann/json.hpp>

namespace luna::tool {

// {"seconds": [...], "series": [{"name", "title", "values": [bytes, or null]}], "from"}; null:
// there is nothing to show.
[[nodiscard]] nlohmann::ordered_json timeline_json(const ReportData& data);

// {"rows": [{"seconds", "kind", "level", "source", "text", "used_bytes", "limit_bytes"}],
// "left_out"}; null: nobody noted events.
[[nodiscard]] nlohmann::ordered_json events_json(const ReportData& data);

}  // namespace luna::tool
