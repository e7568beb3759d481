// SPDX-License-Identifier: MIT
#include "telemetry/profile_json.hpp"

#include "telemetry/amounts.hpp"
#include "telemetry/code_names.hpp"
#include "telemetry/frames.hpp"
#include "telemetry/json.hpp"
#include "telemetry/patterns_json.hpp"

#include <cstddef>
#include <string_view>

namespace luna {

namespace {

void add_address(Output& out, std::string_view name, std::uint64_t value) noexcept {
  add_name(out, name).add("\"").add_hex(value).add("\"");
}

void add_amount(Output& out, std::string_view name, const Amount& amount) noexcept {
  add_number(add_name(out, name).add("{"), "samples", amount.samples);
  add_number(out.add(","), "objects", rounded(amount.objects));
  add_number(out.add(","), "bytes", rounded(amount.bytes));
  add_number(out.add(","), "sampled_bytes", amount.sampled_bytes);
  out.add("}");
}

void add_signed(Output& out, std::string_view name, double estimate) noexcept {
  add_name(out, name).add(rounded_signed(estimate) < 0 ? "-" : "");
  out.add_decimal(rounded(estimate < 0 ? -estimate : estimate));
}

void add_growth(Output& out, const Growth& growth) noexcept {
  add_signed(add_name(out, "growth").add("{"), "allocated_objects", growth.allocated_objects);
  add_signed(out.add(","), "allocated_bytes", growth.allocated_bytes);
  add_signed(out.add(","), "live_objects", growth.live_objects);
  add_signed(out.add(","), "live_bytes", growth.live_bytes);
  out.add("}");
}

template <std::size_t kCount, typename Number>
void add_list(Output& out, std::string_view name, Number number) noexcept {
  add_name(out, name).add("[");
  for (std::size_t i = 0; i < kCount; ++i) out.add(i == 0 ? "" : ",").add_decimal(number(i));
  out.add("]");
}

template <std::size_t kCount>
void add_histogram(Output& out, std::string_view name, const Histogram<kCount>& found) noexcept {
  add_list<kCount>(out, name, [&](std::size_t i) noexcept {
    return rounded(static_cast<double>(found.weights[i]));
  });
}

void add_lifetimes(Output& out, const Lifetimes& lifetimes) noexcept {
  add_number(add_name(out, "freed").add("{"), "objects", rounded(lifetimes.objects));
  add_number(out.add(","), "bytes", rounded(lifetimes.bytes));
  add_number(out.add(","), "lifetime_ns", rounded(lifetimes.nanoseconds));
  add_number(out.add(","), "byte_milliseconds", rounded(lifetimes.byte_nanoseconds / 1e6));
  add_histogram(out.add(","), "lifetimes", lifetimes.histogram);
  add_number(add_name(out.add("},"), "temporary").add("{"), "objects",
             rounded(lifetimes.temporary_objects));
  add_number(out.add(","), "bytes", rounded(lifetimes.temporary_bytes));
  out.add("}");
}

// The last bucket has no bound.
void add_bounds(Output& out) noexcept {
  add_list<kLifetimeBuckets - 1>(out.add(",\n"), "lifetime_bounds_ns", lifetime_bound_ns);
  add_list<kSizeBuckets - 1>(out.add(",\n"), "size_bounds", size_bound);
}

void add_head(Output& out, const Profile& profile) noexcept {
  const Totals totals = totals_of(profile);
  out.add("{\"format\":\"lunalloc-heap-profile\",\n");
  add_number(out, "version", 1);
  add_string(add_name(out.add(",\n"), "kind"), name_of(profile.kind));
  add_number(out.add(",\n"), "interval_bytes", profile.interval_bytes);
  add_number(out.add(",\n"), "began_ns", profile.began_ns);
  add_number(out.add(",\n"), "duration_ns", profile.duration_ns);
  add_number(out.add(",\n"), "dropped_samples", profile.dropped_samples);
  add_number(out.add(",\n"), "unlabelled_samples", profile.unlabelled_samples);
  add_number(out.add(",\n"), "refused_frame_names", profile.refused_frame_names);
  add_number(out.add(",\n"), "max_depth", profile.max_depth);
  add_number(out.add(",\n"), "marked_ns", profile.marked_ns);
  add_number(out.add(",\n"), "temporary_ns", profile.temporary_ns);
  add_number(out.add(",\n"), "asked_interval_bytes", profile.cost.asked_interval);
  add_number(out.add(",\n"), "intervals_widened", profile.cost.widened);
  add_number(out.add(",\n"), "sampling_ns", profile.cost.sampling_ns);
  add_number(out.add(",\n"), "measured_cpu_ns", profile.cost.cpu_ns);
  add_bounds(out);
  add_amount(out.add(",\n"), "allocated", totals.allocated);
  add_amount(out.add(",\n"), "live", totals.live);
  add_amount(out.add(",\n"), "peak", totals.peak);
}

void add_module(Output& out, const os::Module& module) noexcept {
  add_string(add_name(out.add("{"), "path"), module.path);
  add_string(add_name(out.add(","), "build_id"), module.build_id);
  add_address(out.add(","), "begin", module.begin);
  add_address(out.add(","), "end", module.end);
  add_address(out.add(","), "file_offset", module.file_offset);
  add_address(out.add(","), "bias", module.bias);
  out.add("}");
}

// What run-time compilers made, as far as it is on the stacks.
void add_codes(Output& out, Modules modules) noexcept {
  add_name(out, "code").add("[");
  bool is_first = true;
  const auto add_code = [&](const NamedCode& code) noexcept {
    add_string(add_name(out.add(is_first ? "\n{" : ",\n{"), "name"), code.name());
    add_address(out.add(","), "begin", code.begin);
    add_address(out.add(","), "end", code.end);
    out.add("}");
    is_first = false;
  };
  if (modules.code_names != nullptr) modules.code_names->for_each(add_code);
  out.add("]");
}

// An address, or an object for what a runtime named.
void add_frame_value(Output& out, std::uintptr_t frame) noexcept {
  if (!is_runtime_frame(frame)) {
    out.add("\"").add_hex(frame).add("\"");
    return;
  }
  const RuntimeFrame& name = runtime_frame(frame);
  add_string(add_name(out.add("{"), "function"), name.function);
  add_string(add_name(out.add(","), "file"), name.file);
  add_number(out.add(","), "line", name.line);
  out.add("}");
}

void add_site(Output& out, const ProfileRow& row) noexcept {
  add_name(out.add("{"), "frames").add("[");
  for (std::size_t i = 0; i < row.stack.depth; ++i)
    add_frame_value(out.add(i == 0 ? "" : ","), row.stack.frames[i]);
  add_label_object(add_name(out.add("],"), "labels"), row.labels);
  add_amount(out.add(","), "allocated", row.allocated);
  add_amount(out.add(","), "live", row.live);
  add_amount(out.add(","), "peak", row.peak);
  add_growth(out.add(","), row.growth);
  add_lifetimes(out.add(","), row.lifetimes);
  add_histogram(out.add(","), "sizes", row.sizes);
  out.add("}");
}

}  // namespace

bool write_profile_json(const Profile& profile, Modules modules, Output& out) noexcept {
  add_head(out, profile);
  add_name(out.add(",\n"), "modules").add("[");
  for (std::size_t i = 0; i < modules.size(); ++i)
    add_module(out.add(i == 0 ? "\n" : ",\n"), modules[i]);
  add_codes(out.add("],\n"), modules);
  add_name(out.add(",\n"), "sites").add("[");
  for (std::size_t i = 0; i < profile.count && out.ok(); ++i)
    add_site(out.add(i == 0 ? "\n" : ",\n"), profile.rows[i]);
  out.add("]");
  if (profile.patterns != nullptr)
    write_patterns_json(profile, add_name(out.add(",\n"), "patterns"));
  return out.add("}\n").ok();
}

}  // namespace luna
