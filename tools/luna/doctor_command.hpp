// SPDX-License-Identifier: MIT
// `luna doctor`: what of the machine, or of a process, stands in the way of lunalloc.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// `status` is what the command ends with.
void add_doctor(CLI::App& app, int& status);

}  // namespace luna::tool
