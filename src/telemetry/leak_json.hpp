// SPDX-License-Identifier: MIT
// A report of leaks as JSON; docs/leaks.md has the keys.
#pragma once

#include "base/output.hpp"
#include "telemetry/leak_report.hpp"
#include "telemetry/suppressions.hpp"

namespace luna {

// False: the output has failed.
[[nodiscard]] bool write_leak_json(const LeakReport& report, const Suppressions& suppressions,
                                   Output& out) noexcept;

}  // namespace luna
