// SPDX-License-Identifier: MIT
#include "amount_text.hpp"
#include "frame_names.hpp"
#include "printable.hpp"
#include "profile_output.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string>

namespace luna::tool {

namespace {

struct FunctionRow {
  std::int64_t flat = 0;
  std::int64_t cumulative = 0;
  std::uint32_t name = 0;
  std::size_t last_sample = 0;  // counted from 1: a recursion counts once
};

[[nodiscard]] std::vector<FunctionRow> count_functions(const HeapProfile& profile,
                                                       std::size_t amount, FrameNames& names) {
  const std::vector<std::uint32_t> begins = names.add(profile);
  std::vector<FunctionRow> rows(names.count());
  for (std::uint32_t i = 0; i < rows.size(); ++i) rows[i].name = i;
  for (std::size_t i = 0; i < profile.samples.size(); ++i) {
    const std::int64_t value = profile.value_of(i, amount);
    bool is_innermost = true;
    for (const std::uint32_t frame : profile.stack_of(profile.samples[i])) {
      for (const std::uint32_t name : names.names_of(begins, frame)) {
        FunctionRow& row = rows[name];
        if (is_innermost) row.flat = wrapped_sum(row.flat, value);
        if (row.last_sample != i + 1) row.cumulative = wrapped_sum(row.cumulative, value);
        row.last_sample = i + 1;
        is_innermost = false;
      }
    }
  }
  return rows;
}

void write_functions(const HeapProfile& profile, std::size_t amount, std::size_t count,
                     std::ostream& out) {
  FrameNames names;
  std::vector<FunctionRow> rows = count_functions(profile, amount, names);
  std::stable_sort(rows.begin(), rows.end(), [](const FunctionRow& one, const FunctionRow& other) {
    return one.flat != other.flat ? one.flat > other.flat : one.cumulative > other.cumulative;
  });
  const std::int64_t whole = sum_of(profile, amount);
  const std::string& unit = profile.types[amount].unit;
  out << "\n"
      << std::setw(14) << "flat" << std::setw(9) << "" << std::setw(14) << "cumulative"
      << std::setw(9) << ""
      << "  function\n";
  for (std::size_t i = 0; i < std::min(count, rows.size()); ++i)
    out << std::setw(14) << amount_text(rows[i].flat, unit) << std::setw(9)
        << share_text(rows[i].flat, whole) << std::setw(14) << amount_text(rows[i].cumulative, unit)
        << std::setw(9) << share_text(rows[i].cumulative, whole) << "  "
        << printable(names.text(rows[i].name)) << '\n';
  if (count < rows.size()) out << "  and " << rows.size() - count << " more; see --rows\n";
}

void write_sites(const HeapProfile& profile, const ProfileView& view, std::size_t count,
                 std::ostream& out) {
  const std::vector<std::uint32_t> samples = samples_by_amount(profile, view.amount);
  const std::int64_t whole = sum_of(profile, view.amount);
  const std::string& unit = profile.types[view.amount].unit;
  for (std::size_t i = 0; i < std::min(count, samples.size()); ++i) {
    const HeapProfile::Sample& sample = profile.samples[samples[i]];
    const std::int64_t amount = profile.value_of(samples[i], view.amount);
    out << "\n" << i + 1 << ". " << amount_text(amount, unit) << ", " << share_text(amount, whole);
    if (view.objects)
      out << ", " << amount_text(profile.value_of(samples[i], *view.objects), "count");
    out << labels_text(profile, sample) << '\n';
    write_stack_text(profile, sample, "    ", out);
  }
  if (count < samples.size())
    out << "\nand " << samples.size() - count << " more sites; see --rows\n";
}

}  // namespace

void write_profile_text(const HeapProfile& profile, const ProfileView& view, std::size_t rows,
                        std::ostream& out) {
  const std::vector<std::uint32_t> sites = samples_by_amount(profile, view.amount);
  out << printable(view.title) << ": "
      << amount_text(sum_of(profile, view.amount), profile.types[view.amount].unit);
  if (view.objects) out << ", " << amount_text(sum_of(profile, *view.objects), "count");
  out << ", " << sites.size() << (sites.size() == 1 ? " site\n" : " sites\n");
  if (profile.interval_bytes > 1)
    out << "One sample for "
        << amount_text(static_cast<std::int64_t>(profile.interval_bytes), "bytes")
        << " on the average, in "
        << amount_text(static_cast<std::int64_t>(profile.duration_ns), "nanoseconds") << '\n';
  for (const std::string& comment : profile.comments) out << printable(comment) << '\n';
  if (!profile.cut.empty()) out << profile.cut << "; this is what was before\n";
  write_functions(profile, view.amount, rows, out);
  write_sites(profile, view, rows, out);
  write_patterns_text(profile, out);
}

void write_stack_text(const HeapProfile& profile, const HeapProfile::Sample& sample,
                      std::string_view indent, std::ostream& out) {
  for (const std::uint32_t frame : profile.stack_of(sample)) {
    const HeapProfile::Location& location = profile.locations[frame];
    if (location.lines.empty())
      out << indent << printable(place_in_module(profile, location)) << '\n';
    for (std::size_t i = 0; i < location.lines.size(); ++i) {
      const HeapProfile::Line& line = location.lines[i];
      const HeapProfile::Function& function = profile.functions[line.function];
      out << indent << printable(function.name);
      if (!function.file.empty()) out << " at " << printable(function.file);
      if (!function.file.empty() && line.line != 0) out << ':' << line.line;
      if (i + 1 < location.lines.size()) out << " (inlined)";
      if (function.file.empty() && location.address != 0)
        out << " in " << printable(place_in_module(profile, location));
      out << '\n';
    }
  }
}

std::string labels_text(const HeapProfile& profile, const HeapProfile::Sample& sample) {
  std::string text;
  for (const HeapProfile::Label& label : profile.label_sets[sample.labels])
    text += " [" + printable(label.key) + "=" + printable(label.value) + "]";
  return text;
}

}  // namespace luna::tool
