// SPDX-License-Identifier: MIT
#include "telemetry/collapsed.hpp"

#include "telemetry/amounts.hpp"
#include "telemetry/frames.hpp"

namespace luna {

namespace {

[[nodiscard]] std::uint64_t number_of(const ProfileRow& row, Measure measure) noexcept {
  switch (measure) {
    case Measure::kLiveBytes:
      return rounded(row.live.bytes);
    case Measure::kLiveObjects:
      return rounded(row.live.objects);
    case Measure::kAllocatedBytes:
      return rounded(row.allocated.bytes);
    case Measure::kAllocatedObjects:
      return rounded(row.allocated.objects);
  }
  return 0;
}

void add_stack(Output& out, Modules modules, const Stack& stack) noexcept {
  // A line must not begin with its number.
  if (stack.depth == 0) out.add("[no_stack]");
  for (std::size_t i = stack.depth; i-- > 0;) {
    add_frame(out, modules, stack.frames[i]);
    if (i != 0) out.add(";");
  }
}

}  // namespace

bool write_collapsed(const Profile& profile, Modules modules, Measure measure,
                     Output& out) noexcept {
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i) {
    const ProfileRow& row = profile.rows[i];
    const std::uint64_t number = number_of(row, measure);
    if (number == 0) continue;
    add_stack(out, modules, row.stack);
    out.add(" ").add_decimal(number).add("\n");
  }
  return out.ok();
}

}  // namespace luna
