// SPDX-License-Identifier: MIT
// A small profile of which the first site was allocated by functions that a runtime named, and
// the last by code that nobody named.
#pragma once

#include "support/sample_profile.hpp"
#include "telemetry/runtime_frame.hpp"

#include <array>

namespace luna::test {

struct RuntimeProfile : SampleProfile {
  RuntimeProfile() { rows[0].stack = {frames.data(), frames.size()}; }

  RuntimeFrame inner = {"make row", "lib/db.py", 7};
  RuntimeFrame outer = {"<main>", "", 0};
  std::array<std::uintptr_t, 4> frames = {to_runtime_frame(&inner), to_runtime_frame(&outer),
                                          0x7f0000002011, 0x401101};
};

}  // namespace luna::test
