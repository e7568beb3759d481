// SPDX-License-Identifier: MIT
#include "blackbox_command.hpp"
#include "byte_text.hpp"
#include "printable.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <iomanip>
#include <ostream>
#include <sstream>

namespace luna::tool {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

[[nodiscard]] std::string bytes_text(std::uint64_t bytes) {
  if (bytes == LUNA_BLACKBOX_UNKNOWN) return "unknown";
  if (bytes == LUNA_BLACKBOX_UNLIMITED) return "unlimited";
  return byte_text(bytes);
}

[[nodiscard]] std::string time_text(std::uint64_t epoch_ns) {
  const auto seconds = static_cast<std::time_t>(epoch_ns / kSecond);
  std::tm parts = {};
  if (gmtime_r(&seconds, &parts) == nullptr) return "?";
  std::ostringstream text;
  text << std::put_time(&parts, "%Y-%m-%dT%H:%M:%S") << '.' << std::setw(3) << std::setfill('0')
       << epoch_ns % kSecond / 1'000'000 << 'Z';
  return text.str();
}

void write_header(const BlackBox& box, std::ostream& out) {
  out << "black box of " << printable(box.program) << ", process " << box.header.process << ", on "
      << printable(box.host) << ", lunalloc " << printable(box.lunalloc_version) << '\n'
      << "  began     " << time_text(box.header.began_epoch_ns) << ", boot "
      << printable(box.boot_id) << '\n';
  std::uint64_t last = 0;
  for (const BoxStatistics& row : box.statistics) last = std::max(last, row.moment.epoch_ns);
  for (const Event& event : box.events) last = std::max(last, event.moment.epoch_ns);
  if (last != 0) out << "  last word " << time_text(last) << '\n';
  out << "  end       "
      << (box.has_exit() ? "the process ended of its own will"
                         : "no word of an end: it runs, or was killed, crashed, or called _exit() "
                           "or execve()")
      << '\n';
  if (box.torn != 0) out << "  torn      " << box.torn << " of the records, which are left out\n";
  if (box.missing_bytes != 0)
    out << "  cut short " << box.missing_bytes << " bytes are missing at the end of the file\n";
}

void write_last(const BoxStatistics& last, std::ostream& out) {
  out << "\nlast statistics, " << time_text(last.moment.epoch_ns) << '\n';
  const auto line = [&out](const std::string& name, std::uint64_t value) {
    const bool is_bytes = name.ends_with("_bytes");
    const bool is_known = value != LUNA_BLACKBOX_UNKNOWN;
    out << "  " << std::left << std::setw(26) << name << std::right
        << (is_bytes || !is_known ? bytes_text(value) : std::to_string(value)) << '\n';
  };
#define LUNA_BLACKBOX_LINE(name) line(#name, last.numbers.name);
  LUNA_BLACKBOX_STATISTICS(LUNA_BLACKBOX_LINE)
#undef LUNA_BLACKBOX_LINE
}

void write_rows(const BlackBox& box, std::size_t rows, std::ostream& out) {
  const std::size_t count = std::min(rows, box.statistics.size());
  out << "\nlast " << count << " of " << box.statistics.size() << " records of statistics\n  "
      << std::left << std::setw(26) << "time" << std::right;
  constexpr std::array kHeads = {"live", "committed", "resident", "swapped", "cgroup", "limit"};
  for (const char* head : kHeads) out << std::setw(12) << head;
  out << '\n';
  for (auto row = box.statistics.end() - static_cast<std::ptrdiff_t>(count);
       row != box.statistics.end(); ++row) {
    const luna_blackbox_statistics& n = row->numbers;
    out << "  " << std::left << std::setw(26) << time_text(row->moment.epoch_ns) << std::right;
    for (const std::uint64_t value : {n.live_bytes, n.committed_bytes, n.resident_bytes,
                                      n.swapped_bytes, n.cgroup_bytes, n.cgroup_limit_bytes})
      out << std::setw(12) << bytes_text(value);
    out << '\n';
  }
}

void write_events(const BlackBox& box, std::ostream& out) {
  out << "\nevents\n";
  if (box.events.empty()) out << "  none\n";
  for (const Event& event : box.events) {
    out << "  " << time_text(event.moment.epoch_ns) << "  " << name_of_event(event.head.kind);
    const std::string level = name_of_level(event.head.level);
    if (!level.empty()) out << ", " << level;
    if (!event.source.empty()) out << ", by " << printable(event.source);
    if (event.head.used_bytes != LUNA_BLACKBOX_UNKNOWN)
      out << ", " << bytes_text(event.head.used_bytes) << " of "
          << bytes_text(event.head.limit_bytes);
    out << ": " << printable(event.text) << '\n';
  }
}

void write_frame(const Sites& sites, std::uint64_t frame, std::ostream& out) {
  const std::ios::fmtflags flags = out.flags();
  const Module* module = sites.module_of(frame);
  out << "      0x" << std::hex;
  if (module == nullptr) {
    out << frame << (frame >> 56 == 0x80 ? "  of a runtime, whose name was not kept" : "");
  } else {
    out << frame - 1 - module->bias << "  " << printable(module->path);
  }
  out << '\n';
  out.flags(flags);
}

void write_sites(const Sites& sites, std::ostream& out) {
  out << "\nmost live bytes at " << time_text(sites.moment.epoch_ns) << ": " << sites.sites.size()
      << " of " << sites.head.all_sites << " call stacks, of "
      << bytes_text(sites.head.all_live_bytes) << " in all\n";
  for (const Site& site : sites.sites) {
    out << "  " << bytes_text(site.amounts.live_bytes) << " live in " << site.amounts.live_objects
        << " blocks, " << bytes_text(site.amounts.allocated_bytes) << " allocated\n";
    for (const std::uint64_t frame : site.frames) write_frame(sites, frame, out);
    if (site.amounts.all_frames > site.frames.size())
      out << "      and " << site.amounts.all_frames - site.frames.size() << " more\n";
  }
  out << "  modules, for addr2line -f -C -e PATH ADDRESS\n";
  for (const Module& module : sites.modules)
    out << "    " << printable(module.path) << "  build-id "
        << (module.build_id.empty() ? "unknown" : printable(module.build_id)) << '\n';
}

}  // namespace

void write_text(const BlackBox& box, std::size_t rows, std::ostream& out) {
  write_header(box, out);
  if (!box.statistics.empty()) {
    write_last(box.statistics.back(), out);
    write_rows(box, rows, out);
  }
  write_events(box, out);
  if (!box.sites.empty()) write_sites(box.sites.back(), out);
}

}  // namespace luna::tool
