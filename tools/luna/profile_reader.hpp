// SPDX-License-Identifier: MIT
// Reads the profiles that lunalloc writes for pprof and as JSON. docs/telemetry.md has the formats.
#pragma once

#include "heap_profile.hpp"

#include <iosfwd>
#include <string>

namespace luna::tool {

// By their first bytes it tells the formats apart. What was cut short is read as far as it goes,
// and says so in `cut`. Throws ProfileError.
[[nodiscard]] HeapProfile read_profile(std::istream& in);
[[nodiscard]] HeapProfile read_profile(const std::string& path);

// What a gzip file has inside. A file that was cut short gives what there is, and false as `whole`.
// Throws ProfileError where it is damaged.
[[nodiscard]] std::string gunzip(std::istream& in, bool& whole);

// A protobuf that is not compressed.
[[nodiscard]] HeapProfile parse_pprof(std::string_view data, bool whole);

[[nodiscard]] HeapProfile parse_json_profile(std::istream& in);

}  // namespace luna::tool
