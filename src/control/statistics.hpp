// SPDX-License-Identifier: MIT
// Statistics for people and for programs.
#pragma once

#include "base/format.hpp"
#include "heap/allocator.hpp"
#include "telemetry/profiler.hpp"

namespace luna {

// A summary in words, some ten lines.
void write_summary(const HeapUsage& usage, Text& text) noexcept;

// Two rows more, if a profile was ever begun.
void write_profiler_summary(const ProfilerUsage& usage, Text& text) noexcept;

// The XML of glibc's malloc_info, as far as it has a meaning here.
void write_malloc_info(const HeapUsage& usage, Text& text) noexcept;

}  // namespace luna
