// SPDX-License-Identifier: MIT
#include "amount_text.hpp"
#include "printable.hpp"
#include "profile_output.hpp"

#include <ostream>
#include <string_view>

namespace luna::tool {

namespace {

// "mean_lifetime_ns" is a time, "bytes_per_second" and "mean_size" are bytes.
[[nodiscard]] std::string_view unit_of(std::string_view what) {
  return what.ends_with("_ns") ? "nanoseconds" : "bytes";
}

void write_change(const HeapProfile& profile, const HeapProfile::Patterns::Change& change,
                  std::ostream& out) {
  const HeapProfile::Sample& sample = profile.samples[static_cast<std::size_t>(change.site)];
  out << "\nUnlike its past, " << printable(change.of) << ": "
      << amount_text(change.now, unit_of(change.of)) << " now, "
      << amount_text(change.before, unit_of(change.of)) << " before" << labels_text(profile, sample)
      << '\n';
  write_stack_text(profile, sample, "    ", out);
}

}  // namespace

void write_patterns_text(const HeapProfile& profile, std::ostream& out) {
  const HeapProfile::Patterns& patterns = profile.patterns;
  if (patterns.wave_period_ns != 0)
    out << "\nLive bytes go in waves: one in "
        << amount_text(patterns.wave_period_ns, "nanoseconds") << ", "
        << amount_text(patterns.wave_swing_bytes, "bytes") << " from low to high around "
        << amount_text(patterns.wave_mean_bytes, "bytes") << '\n';
  if (patterns.freed_by_others != 0)
    out << "\nThreads freed " << amount_text(patterns.freed_by_others, "bytes")
        << " that others had allocated, and " << amount_text(patterns.freed_by_same_thread, "bytes")
        << " of their own\n";
  for (const HeapProfile::Patterns::Change& change : patterns.changes)
    write_change(profile, change, out);
}

}  // namespace luna::tool
