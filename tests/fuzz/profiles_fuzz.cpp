// SPDX-License-Identifier: MIT
// What the command luna reads of other processes and of files: profiles as JSON and for pprof,
// reports of leaks, maps of pages, black boxes, statistics and metrics. It refuses what is damaged,
// or reads what makes sense, and can write that again.
#include "blackbox_reader.hpp"
#include "fuzz/input.hpp"
#include "leak_report.hpp"
#include "metric_page.hpp"
#include "page_map.hpp"
#include "printable.hpp"
#include "profile_output.hpp"
#include "profile_reader.hpp"
#include "statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <string_view>

namespace luna::fuzz {

namespace {

using tool::HeapProfile;
using tool::ProfileError;

// The invariants of HeapProfile.
void check_profile(const HeapProfile& profile) {
  must(profile.values.size() == profile.samples.size() * profile.types.size(),
       "each sample has a value of each type");
  must(profile.types.empty() || profile.default_type < profile.types.size(),
       "the type that is shown is one");
  for (const HeapProfile::Sample& sample : profile.samples) {
    must(sample.labels < profile.label_sets.size(), "the labels of a sample exist");
    must(sample.first_frame + sample.frames <= profile.frames.size(), "a sample has its frames");
  }
  for (const std::uint32_t frame : profile.frames)
    must(frame < profile.locations.size(), "a frame is a place among the locations");
  for (const HeapProfile::Location& location : profile.locations) {
    must(location.mapping == HeapProfile::kNone || location.mapping < profile.mappings.size(),
         "the mapping of a location exists");
    for (const HeapProfile::Line& line : location.lines)
      must(line.function < profile.functions.size(), "the function of a line exists");
  }
  for (const HeapProfile::Patterns::Change& change : profile.patterns.changes)
    must(change.site >= 0 && static_cast<std::size_t>(change.site) < profile.samples.size(),
         "the site of a pattern exists");
}

// All that is told of it. What is written for pprof is read as the same.
void write_profile(const HeapProfile& profile) {
  check_profile(profile);
  if (profile.types.empty()) return;
  for (const std::string& name : tool::view_names()) {
    tool::ProfileView view;
    try {
      view = tool::choose_view(profile, name);
    } catch (const ProfileError&) {
      continue;
    }
    std::ostringstream out;
    tool::write_profile_text(profile, view, 5, out);
    tool::write_profile_collapsed(profile, view, out);
    tool::write_profile_json(profile, view, out);
  }
  std::ostringstream text;
  tool::write_patterns_text(profile, text);
  std::stringstream again;
  tool::write_profile_pprof(profile, tool::choose_view(profile, ""), again);
  const HeapProfile read = tool::read_profile(again);
  check_profile(read);
  must(read.samples.size() == profile.samples.size(), "all samples are written for pprof");
  must(read.values == profile.values, "values are written for pprof as they are");
}

void fuzz_leaks(const std::string& data) {
  std::istringstream in(data);
  tool::LeakFile report = tool::read_leak_report(in);
  check_profile(report.stacks);
  must(report.sites.size() == report.stacks.samples.size(), "a report has a stack for each site");
  must(report.linker_names.size() == report.stacks.locations.size(),
       "each location has a name of the linker, or an empty one");
  tool::keep_linker_names(report);
  check_profile(report.stacks);
}

void fuzz_page_map(const std::string& data) {
  std::istringstream in(data);
  const tool::PageMap map = tool::read_page_map(in);
  for (std::size_t i = 1; i < map.regions.size(); ++i)
    must(map.regions[i - 1].address <= map.regions[i].address, "regions are sorted");
  std::ostringstream out;
  tool::write_page_map_text(map, out);
}

// Puts the checksum of the record there that begins at `at`, if it may be one.
void sign_record(std::string& file, std::size_t at) {
  luna_blackbox_record head;
  if (at > file.size() || file.size() - at < sizeof head) return;
  std::memcpy(&head, &file[at], sizeof head);
  if (head.payload_bytes > file.size() - at - sizeof head) return;
  const std::string_view all = file;
  const std::uint32_t before =
      tool::add_to_checksum(0, all.substr(at, offsetof(luna_blackbox_record, checksum)));
  head.checksum = tool::add_to_checksum(before, all.substr(at + sizeof head, head.payload_bytes));
  std::memcpy(&file[at], &head, sizeof head);
}

// A black box is mostly zeros: the input says what stands where. Most checksums are right, for
// nobody would find one by chance.
[[nodiscard]] std::string make_black_box(Input& input) {
  constexpr std::size_t kHead = offsetof(luna_blackbox_header, checksum);
  std::string file(input.number(3) % (160 << 10), '\0');
  const std::string head = input.text(kHead);
  file.replace(0, std::min(head.size(), file.size()), head, 0, file.size());
  if (input.byte() != 0 && file.size() >= sizeof(luna_blackbox_header)) {
    const std::uint32_t checksum =
        tool::add_to_checksum(0, std::string_view(file).substr(0, kHead));
    std::memcpy(&file[kHead], &checksum, sizeof checksum);
  }
  while (!input.empty()) {
    const std::size_t at = input.number(3);
    const bool is_signed = input.byte() != 0;
    const std::string record = input.text(input.number(2) % 2048);
    if (at > file.size() || record.size() > file.size() - at) continue;
    file.replace(at, record.size(), record);
    if (is_signed) sign_record(file, at);
  }
  return file;
}

void fuzz_black_box(Input& input) {
  const tool::BlackBox box = tool::parse_black_box(make_black_box(input));
  const auto by_sequence = [](const auto& one, const auto& other) {
    return one.moment.sequence < other.moment.sequence;
  };
  must(std::ranges::is_sorted(box.statistics, by_sequence), "statistics are sorted");
  must(std::ranges::is_sorted(box.events, by_sequence), "events are sorted");
  static_cast<void>(box.has_exit());
  for (const tool::Event& event : box.events)
    must(tool::name_of_event(event.head.kind) != nullptr, "each event has a name");
  for (const tool::Sites& sites : box.sites)
    for (const tool::Site& site : sites.sites)
      for (const std::uint64_t frame : site.frames) static_cast<void>(sites.module_of(frame));
}

void fuzz_statistics(const std::string& data) {
  const tool::Statistics statistics = tool::parse_statistics(data);
  for (const auto& [name, figure] : statistics.figures)
    must(!figure.has_value() || std::isfinite(*figure), "figures are finite");
}

void fuzz_metrics(Input& input) {
  tool::MetricPage page;
  const std::string first = input.text(input.number(2));
  const std::string second = input.rest();
  const bool one = page.add(first, "pid=\"1\"");
  const std::string before = page.text();
  if (!page.add(second, "pid=\"2\"")) must(page.text() == before, "what is refused adds nothing");
  if (!one) must(before.empty(), "what is refused adds nothing at first");
  const std::string shown = tool::printable(second);
  must(std::ranges::none_of(shown, [](char letter) { return letter >= 0 && letter < ' '; }),
       "a terminal can show it");
}

void read(Input& input) {
  const std::uint8_t kind = input.byte() % 8;
  if (kind == 7) return fuzz_metrics(input);
  if (kind == 5) return fuzz_black_box(input);
  const std::string data = input.rest();
  std::istringstream in(data);
  switch (kind) {
    case 0:
      return write_profile(tool::read_profile(in));
    case 1:
      return write_profile(tool::parse_pprof(data, true));
    case 2:
      return write_profile(tool::parse_json_profile(in));
    case 3:
      return fuzz_leaks(data);
    case 4:
      return fuzz_page_map(data);
    default:
      return fuzz_statistics(data);
  }
}

}  // namespace

}  // namespace luna::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  luna::fuzz::Input input(data, size);
  try {
    luna::fuzz::read(input);
  } catch (const luna::tool::ProfileError&) {
  } catch (const luna::tool::Unreadable&) {
  } catch (const luna::tool::NoStatistics&) {
  }
  return 0;
}
