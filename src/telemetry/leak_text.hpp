// SPDX-License-Identifier: MIT
// A report of leaks for people.
#pragma once

#include "base/output.hpp"
#include "telemetry/leak_report.hpp"
#include "telemetry/suppressions.hpp"

namespace luna {

// False: the output has failed.
[[nodiscard]] bool write_leak_text(const LeakReport& report, const Suppressions& suppressions,
                                   Output& out) noexcept;

}  // namespace luna
