// SPDX-License-Identifier: MIT
// Reports of leaks, by docs/leaks.md, with the names of functions and lines.
#include "amount_text.hpp"
#include "demangle.hpp"
#include "frame_names.hpp"
#include "json_values.hpp"
#include "leak_report.hpp"
#include "printable.hpp"
#include "profile_file.hpp"
#include "profile_output.hpp"

#include <algorithm>
#include <iostream>
#include <string>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string verdict_text(const Json& site) {
  const std::string verdict = text_in(site, "verdict");
  const auto percent = static_cast<std::int64_t>(real_in(site, "confidence") * 100 + 0.5);
  return verdict + ", confidence " + std::to_string(percent) + " %";
}

[[nodiscard]] std::string lost_text(const Json& site) {
  const std::int64_t lost = number_in(site, "lost_bytes");
  if (lost == 0) return {};
  return "   nothing points to " + amount_text(lost, "bytes") + " in " +
         amount_text(number_in(site, "lost_objects"), "count") + "\n";
}

[[nodiscard]] bool is_suspect(const Json& site) {
  const std::string verdict = text_in(site, "verdict");
  const bool is_one = verdict == "lost" || verdict == "leak" || verdict == "grows";
  return is_one && !is_true_in(site, "suppressed");
}

void write_site(const LeakFile& report, std::size_t index, std::ostream& out) {
  const Json& site = report.sites[index];
  const HeapProfile::Sample& sample = report.stacks.samples[index];
  out << '\n'
      << index + 1 << ". " << printable(verdict_text(site)) << ": "
      << amount_text(number_in(site, "live_bytes"), "bytes") << " in "
      << amount_text(number_in(site, "live_objects"), "count")
      << (is_true_in(site, "suppressed") ? ", suppressed" : "")
      << labels_text(report.stacks, sample) << '\n';
  const std::string reason = text_in(site, "reason");
  if (!reason.empty()) out << "   " << printable(reason) << '\n';
  out << lost_text(site);
  write_stack_text(report.stacks, sample, "    ", out);
}

void write_text(const LeakFile& report, std::size_t rows, std::ostream& out) {
  constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
  const auto suspects = std::count_if(report.sites.begin(), report.sites.end(), is_suspect);
  out << "Leak report of "
      << amount_text(std::min(number_in(report.head, "duration_ms"),
                              INT64_MAX / kNanosecondsPerMillisecond) *
                         kNanosecondsPerMillisecond,
                     "nanoseconds")
      << ", one sample for " << amount_text(number_in(report.head, "interval_bytes"), "bytes")
      << " on the average: " << suspects << (suspects == 1 ? " suspect" : " suspects") << " of "
      << report.sites.size() << " sites that are listed, " << number_in(report.head, "steady_sites")
      << " are steady\n";
  if (const std::int64_t dropped = number_in(report.head, "dropped_samples"); dropped != 0)
    out << "dropped_samples: " << dropped << '\n';
  for (std::size_t i = 0; i < std::min(rows, report.sites.size()); ++i) write_site(report, i, out);
  if (rows < report.sites.size())
    out << "\nand " << report.sites.size() - rows << " more sites; see --rows\n";
}

[[nodiscard]] Json frames_of(const HeapProfile& stacks, const HeapProfile::Sample& sample) {
  Json frames = Json::array();
  for (const std::uint32_t place : stacks.stack_of(sample)) {
    const HeapProfile::Location& location = stacks.locations[place];
    Json where = Json::object();
    if (location.mapping != HeapProfile::kNone) {
      where["module"] = stacks.mappings[location.mapping].path;
      where["address"] = hex_text(location.address);
    }
    if (location.lines.empty()) frames.push_back(where);
    for (std::size_t i = 0; i < location.lines.size(); ++i) {
      const HeapProfile::Function& function = stacks.functions[location.lines[i].function];
      Json frame = {{"function", function.name},
                    {"file", function.file},
                    {"line", location.lines[i].line},
                    {"inlined", i + 1 < location.lines.size()}};
      frame.update(where);
      frames.push_back(std::move(frame));
    }
  }
  return frames;
}

void write_json(const LeakFile& report, std::ostream& out) {
  Json whole = report.head;
  whole["format"] = "luna-leak-report";
  Json sites = Json::array();
  for (std::size_t i = 0; i < report.sites.size(); ++i) {
    Json site = report.sites[i];
    site["frames"] = frames_of(report.stacks, report.stacks.samples[i]);
    sites.push_back(std::move(site));
  }
  whole["sites"] = std::move(sites);
  out << whole.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
}

[[nodiscard]] int leaks(const FileArguments& arguments) {
  LeakFile report = read_leak_report(arguments.file);
  Symbolizer symbolizer(arguments.debug_folder);
  return print_leaks(report, symbolizer, arguments);
}

}  // namespace

int leaks_file(const FileArguments& arguments) {
  return run_or_complain([&] { return leaks(arguments); });
}

int print_leaks(LeakFile& report, Symbolizer& symbolizer, const FileArguments& arguments) {
  symbolizer.name_frames(report.stacks);
  keep_linker_names(report);
  write_output(arguments, [&](std::ostream& out) {
    if (arguments.format == "json") {
      write_json(report, out);
    } else {
      write_text(report, arguments.rows, out);
    }
  });
  tell_unnamed(symbolizer);
  return status_of(arguments.file, report.stacks.cut);
}

}  // namespace luna::tool
