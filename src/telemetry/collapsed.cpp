// SPDX-License-Identifier: MIT
#include "telemetry/collapsed.hpp"

#include "telemetry/amounts.hpp"
#include "telemetry/frames.hpp"

#include <cstdint>

namespace luna {

namespace {

void add_stack(Output& out, Modules modules, const Stack& stack) noexcept {
  // A line must not begin with its number.
  if (stack.depth == 0) out.add("[no_stack]");
  for (std::size_t i = stack.depth; i-- > 0;) {
    add_frame(out, modules, stack.frames[i]);
    if (i != 0) out.add(";");
  }
}

}  // namespace

bool write_collapsed(const Profile& profile, Modules modules, const Column& column,
                     Output& out) noexcept {
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i) {
    const ProfileRow& row = profile.rows[i];
    const std::uint64_t number = rounded(column.value(row));
    if (number == 0) continue;
    add_label_frames(out, row.labels);
    add_stack(out.add(row.labels.empty() ? "" : ";"), modules, row.stack);
    out.add(" ").add_decimal(number).add("\n");
  }
  return out.ok();
}

}  // namespace luna
