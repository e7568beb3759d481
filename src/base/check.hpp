// SPDX-License-Identifier: MIT
// Our own bugs. LUNA_CHECK is always compiled in; LUNA_DCHECK only in debug
// builds. Mistakes of the program are another matter: base/report.hpp.
#pragma once

#include <string_view>

namespace luna {

// Writes one line to stderr and aborts.
[[noreturn, gnu::cold]] void fail_check(const char* condition, const char* file, int line) noexcept;

// Told of the line that the process dies with, before it is written. Takes no lock and allocates
// nothing. What base/ has is weak and does nothing; preload/ has one that does.
[[gnu::cold]] void note_last_words(std::string_view line) noexcept;

// Writes `text` to stderr as it is. Never allocates; errors are ignored.
void write_error(std::string_view text) noexcept;

}  // namespace luna

#define LUNA_CHECK(condition) \
  (static_cast<bool>(condition) ? void() : ::luna::fail_check(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define LUNA_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#else
#define LUNA_DCHECK(condition) LUNA_CHECK(condition)
#endif
