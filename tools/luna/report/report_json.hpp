// SPDX-License-Identifier: MIT
// The page of a report: what report/page is made of, with the data in it.
#pragma once

#include "report_data.hpp"

#include <nlohmann/json.hpp>

#include <iosfwd>
#include <string>
#include <string_view>

namespace luna::tool {

// What the page shows, of which docs/report.md tells. Its size does not grow with that of the
// profile: what nobody could see is merged.
[[nodiscard]] nlohmann::ordered_json report_json(const ReportData& data);

// The page with that in it. `page` is the built one.
void write_report(const ReportData& data, std::string_view page, std::ostream& out);

// JSON as it may stand in HTML: no text of it can end the element that it is in.
[[nodiscard]] std::string json_for_html(const nlohmann::ordered_json& json);

}  // namespace luna::tool
