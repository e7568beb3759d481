// SPDX-License-Identifier: MIT
#include "telemetry/leak_json.hpp"

#include "base/format.hpp"
#include "telemetry/amounts.hpp"
#include "telemetry/frames.hpp"
#include "telemetry/json.hpp"
#include "telemetry/labels.hpp"

#include <array>
#include <bit>

namespace luna {

namespace {

// From 0 to 1, with three digits.
void add_share(Output& out, std::string_view name, double share) noexcept {
  const std::uint64_t thousandths = rounded(share * 1000);
  add_name(out, name).add_decimal(thousandths / 1000).add(".");
  out.add_decimal(thousandths / 100 % 10).add_decimal(thousandths / 10 % 10);
  out.add_decimal(thousandths % 10);
}

void add_head(Output& out, const LeakReport& report) noexcept {
  const LeakProfile& profile = report.profile();
  out.add("{\"format\":\"lunalloc-leak-report\",\n\"version\":1");
  add_number(out.add(",\n"), "interval_bytes", profile.interval_bytes);
  add_number(out.add(",\n"), "duration_ms", profile.now.ms - profile.began.ms);
  add_number(out.add(",\n"), "dropped_samples", profile.dropped_samples);
  add_name(out.add(",\n"), "proved").add(report.profile().is_proved ? "true" : "false");
  add_number(out.add(",\n"), "steady_sites", report.count_of(LeakClass::kSteady));
}

void add_verdict(Output& out, const LeakVerdict& verdict) noexcept {
  std::array<char, 320> buffer;
  Text reason(buffer.data(), buffer.size());
  add_reason(reason, verdict);
  add_string(add_name(out, "verdict"), name_of(verdict.leak_class));
  add_share(out.add(","), "confidence", verdict.confidence);
  add_number(out.add(","), "score", rounded(verdict.score));
  add_string(add_name(out.add(","), "reason"), reason.view());
  add_number(out.add(",\n"), "from_bytes", rounded(verdict.from_bytes));
  add_number(out.add(","), "to_bytes", rounded(verdict.to_bytes));
  add_number(out.add(","), "rises", verdict.rises);
  add_number(out.add(","), "intervals", verdict.slots - 1);
  add_share(out.add(","), "freed_share", verdict.freed_share);
  add_number(out.add(","), "age_ms", verdict.age_ms);
  add_number(out.add(","), "oldest_ms", verdict.oldest_ms);
  add_number(out.add(",\n"), "lost_bytes", rounded(verdict.lost.bytes));
  add_number(out.add(","), "lost_objects", rounded(verdict.lost.objects));
  add_number(out.add(","), "lost_indirect_bytes", rounded(verdict.lost.indirect_bytes));
  add_name(out.add(","), "lost_definitely").add(verdict.lost.is_definite ? "true" : "false");
}

void add_amounts(Output& out, const LeakRow& row) noexcept {
  add_number(out.add(",\n"), "live_bytes", rounded(row.live.bytes));
  add_number(out.add(","), "live_objects", rounded(row.live.objects));
  add_number(out.add(","), "live_samples", row.live.samples);
  add_number(out.add(","), "allocated_bytes", rounded(row.allocated.bytes));
  add_number(out.add(","), "allocated_objects", rounded(row.allocated.objects));
  const auto bits = [](std::uint16_t slots) noexcept {
    return static_cast<std::uint64_t>(std::popcount(slots));
  };
  add_number(out.add(","), "generations", bits(row.history.allocated_in()));
  add_number(out.add(","), "live_generations", bits(row.ages.born_in));
}

void add_history(Output& out, const SiteHistory& history) noexcept {
  add_name(out.add(",\n"), "history").add("[");
  for (std::size_t i = 0; i < history.count(); ++i) {
    out.add(i == 0 ? "[" : ",[").add_decimal(rounded(double{history[i].low})).add(",");
    out.add_decimal(rounded(double{history[i].high})).add("]");
  }
  out.add("]");
}

void add_runtime_frame(Output& out, const RuntimeFrame& frame) noexcept {
  add_string(add_name(out, "function"), frame.function);
  add_string(add_name(out.add(","), "file"), frame.file);
  add_number(out.add(","), "line", frame.line);
}

void add_code(Output& out, const LeakReport& report, std::uintptr_t frame) noexcept {
  const std::uintptr_t address = call_address(frame);
  const std::size_t module = find_module(report.modules(), address);
  const bool found = module < report.modules().size();
  const std::uintptr_t bias = found ? report.modules()[module].bias : 0;
  add_name(out, "module");
  add_string(out, found ? report.modules()[module].path : std::string_view{});
  add_name(out.add(","), "address").add("\"").add_hex(address - bias).add("\"");
  add_string(add_name(out.add(","), "function"), report.name_of(frame));
  const std::string_view build_id = found ? report.modules()[module].build_id : std::string_view{};
  if (!build_id.empty()) add_string(add_name(out.add(","), "build_id"), build_id);
}

void add_stack(Output& out, const LeakReport& report, const Stack& stack) noexcept {
  add_name(out.add(",\n"), "frames").add("[");
  for (std::size_t i = 0; i < stack.depth; ++i) {
    const std::uintptr_t frame = stack.frames[i];
    out.add(i == 0 ? "{" : ",\n{");
    if (is_runtime_frame(frame)) {
      add_runtime_frame(out, runtime_frame(frame));
    } else {
      add_code(out, report, frame);
    }
    out.add("}");
  }
  out.add("]");
}

void add_site(Output& out, const LeakReport& report, const RankedSite& site) noexcept {
  const LeakRow& row = report.row_of(site);
  out.add("{");
  add_verdict(out, site.verdict);
  add_name(out.add(","), "suppressed").add(site.is_suppressed ? "true" : "false");
  add_label_object(add_name(out.add(","), "labels"), row.labels);
  add_amounts(out, row);
  add_history(out, row.history);
  add_stack(out, report, row.stack);
  out.add("}");
}

void add_suppression(Output& out, const Suppression& row) noexcept {
  add_string(add_name(out.add("{"), "pattern"), row.pattern);
  add_number(out.add(","), "sites", row.count);
  add_number(out.add(","), "bytes", rounded(row.bytes));
  out.add("}");
}

}  // namespace

bool write_leak_json(const LeakReport& report, const Suppressions& suppressions,
                     Output& out) noexcept {
  add_head(out, report);
  add_name(out.add(",\n"), "sites").add("[");
  for (std::size_t i = 0; i < report.count() && out.ok(); ++i)
    add_site(out.add(i == 0 ? "\n" : ",\n"), report, report[i]);
  add_name(out.add("],\n"), "suppressions").add("[");
  for (std::size_t i = 0; i < suppressions.count(); ++i)
    add_suppression(out.add(i == 0 ? "\n" : ",\n"), suppressions[i]);
  return out.add("]}\n").ok();
}

}  // namespace luna
