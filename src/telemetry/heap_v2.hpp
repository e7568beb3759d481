// SPDX-License-Identifier: MIT
// The heap profile of jemalloc as text, for jeprof; and that of gperftools, for
// google-pprof and pprof, which differs in the form of its lines only.
#pragma once

#include "base/output.hpp"
#include "telemetry/profile.hpp"

#include <cstdint>

namespace luna {

enum class HeapText : std::uint8_t { kJemalloc, kGperftools };

// The counts are those of the samples: readers estimate from the interval by themselves.
// What is in use is that of the peak if the profile was asked for it. False: the output has
// failed, or the mappings of the process cannot be read.
[[nodiscard]] bool write_heap_v2(const Profile& profile, HeapText form, Output& out) noexcept;

}  // namespace luna
