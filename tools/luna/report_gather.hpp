// SPDX-License-Identifier: MIT
// What a running process tells for a report.
#pragma once

#include "reach.hpp"
#include "report/report_data.hpp"

#include <string>

namespace luna::tool {

struct GatherOptions {
  unsigned seconds = 0;  // to watch it, and to take samples if it takes none; 0: as it is now
  std::string folder;    // where what it tells is kept as files; empty: nowhere
};

// Of what it cannot tell, a line on stderr says why. Throws AttachError where it tells nothing, and
// Interrupted.
[[nodiscard]] ReportData gather_report(const ReachedProcess& process, const GatherOptions& options);

}  // namespace luna::tool
