// SPDX-License-Identifier: MIT
#include "telemetry/heap_v2.hpp"

#include "os/process_maps.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/frames.hpp"

namespace luna {

namespace {

// Readers compute from the mean size how likely a sample was, so it has to be the size by
// which it was drawn.
void add_amount(Output& out, const Amount& amount) noexcept {
  out.add_decimal(amount.samples).add(": ").add_decimal(amount.block_bytes);
}

void add_amounts(Output& out, const Amount& live, const Amount& allocated) noexcept {
  add_amount(out, live);
  add_amount(out.add(" ["), allocated);
  out.add("]");
}

// Readers subtract 1 from all addresses but the first, which they take for that of an
// instruction. They know of nothing but addresses, so frames that a runtime named are left out.
void add_stack(Output& out, const Stack& stack) noexcept {
  out.add("@");
  bool is_first = true;
  for (std::size_t i = 0; i < stack.depth; ++i) {
    const std::uintptr_t frame = stack.frames[i];
    if (is_runtime_frame(frame)) continue;
    out.add(" ").add_hex(is_first ? call_address(frame) : frame);
    is_first = false;
  }
}

void add_head(Output& out, const Profile& profile, HeapText form) noexcept {
  const Totals totals = totals_of(profile);
  const Amount& in_use = profile.kind == ProfileKind::kPeak ? totals.peak : totals.live;
  if (form == HeapText::kJemalloc) {
    out.add("heap_v2/").add_decimal(profile.interval_bytes).add("\n  t*: ");
    add_amounts(out, in_use, totals.allocated);
  } else {
    add_amounts(out.add("heap profile: "), in_use, totals.allocated);
    out.add(" @ heap_v2/").add_decimal(profile.interval_bytes);
  }
  out.add("\n");
}

void add_row(Output& out, const Profile& profile, const ProfileRow& row, HeapText form) noexcept {
  const Amount& in_use = profile.kind == ProfileKind::kPeak ? row.peak : row.live;
  if (form == HeapText::kJemalloc) {
    add_stack(out, row.stack);
    add_amounts(out.add("\n  t*: "), in_use, row.allocated);
  } else {
    add_amounts(out, in_use, row.allocated);
    add_stack(out.add(" "), row.stack);
  }
  out.add("\n");
}

}  // namespace

bool write_heap_v2(const Profile& profile, HeapText form, Output& out) noexcept {
  add_head(out, profile, form);
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i)
    add_row(out, profile, profile.rows[i], form);
  out.add("\nMAPPED_LIBRARIES:\n");
  return os::write_maps(out);
}

}  // namespace luna
