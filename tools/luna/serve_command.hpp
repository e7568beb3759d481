// SPDX-License-Identifier: MIT
// `luna serve`: the metrics of all processes on lunalloc, for Prometheus.
#pragma once

#include <CLI/CLI.hpp>

namespace luna::tool {

// Adds the subcommand, which sets `status` when it has run. Both must outlive the parse.
void add_serve(CLI::App& app, int& status);

}  // namespace luna::tool
