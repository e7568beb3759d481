// SPDX-License-Identifier: MIT
#include "run_summary.hpp"

#include "byte_text.hpp"
#include "printable.hpp"
#include "run_sites.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <utility>
#include <vector>

namespace luna::tool {

namespace {

using nlohmann::json;

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 30;
constexpr std::size_t kSites = 5;

// Null: there is no such file, or it is none of JSON.
[[nodiscard]] json read_json(const std::filesystem::path& file) {
  std::error_code error;
  if (file.empty() || std::filesystem::file_size(file, error) > kMostBytes || error) return nullptr;
  std::ifstream stream(file);
  return json::parse(stream, nullptr, false, false);
}

// Empty: it is not there.
[[nodiscard]] const json& part_of(const json& object, const char* key) {
  static const json nothing = json::object();
  return object.is_object() && object.contains(key) ? object.at(key) : nothing;
}

[[nodiscard]] std::uint64_t number_in(const json& object, const char* key) {
  const json& value = part_of(object, key);
  if (!value.is_number()) return 0;
  const auto number = value.get<double>();
  return number > 0 && number < 1e18 ? static_cast<std::uint64_t>(std::llround(number)) : 0;
}

void write_row(std::ostream& out, std::uint64_t bytes, const std::string& what) {
  if (bytes != 0) out << std::setw(12) << byte_text(bytes) << "  " << what << '\n';
}

void write_resident(const json& statistics, std::ostream& out) {
  const json& resident = part_of(statistics, "resident");
  const json& whole = part_of(statistics, "reconciliation");
  const json& totals = part_of(statistics, "totals");
  constexpr std::pair<const char*, const char*> kParts[] = {
      {"resident_slab_bytes", "in slabs of small blocks"},
      {"resident_large_bytes", "in large blocks"},
      {"resident_kept_bytes", "in large blocks freed last, kept for the next"},
      {"resident_dirty_bytes", "free, not yet given back"},
      {"resident_metadata_bytes", "lunalloc's tables"},
      {"resident_telemetry_bytes", "the profiler and its like"},
      {"resident_guarded_bytes", "guarded blocks"}};
  out << "  at the exit  " << byte_text(number_in(whole, "process_resident_bytes")) << " resident, "
      << byte_text(number_in(totals, "live_bytes")) << " live in "
      << number_in(totals, "live_blocks") << " blocks; resident were\n";
  for (const auto& [key, words] : kParts) write_row(out, number_in(resident, key), words);
  write_row(out, number_in(whole, "not_ours_bytes"), "not of the heap: code, stacks, mappings");
}

void write_sites(const std::filesystem::path& profile, std::ostream& out) {
  const std::vector<PeakSite> sites = read_peak_sites(profile, kSites);
  if (!sites.empty()) out << "  most of the peak, estimated\n";
  for (const PeakSite& site : sites)
    write_row(out, site.peak_bytes,
              printable(site.place) + ", " + byte_text(site.allocated_bytes) + " allocated in all");
}

// The second line counts the verdicts.
void write_leaks(const RunFiles& files, std::ostream& out) {
  const std::filesystem::path& file = files.leaks;
  std::ifstream stream(file);
  std::string line;
  if (file.empty() || !std::getline(stream, line) || !std::getline(stream, line)) return;
  const std::string_view head = "Sites: ";
  const std::string_view verdicts = std::string_view(line).substr(0, line.find(';'));
  out << "  leaks        "
      << printable(verdicts.starts_with(head) ? verdicts.substr(head.size()) : verdicts);
  if (files.is_kept) out << "; see " << printable(file.string());
  out << '\n';
}

}  // namespace

void write_summary(const std::string& program, const ChildEnd& end, const RunFiles& files,
                   std::ostream& out) {
  const json statistics = read_json(files.statistics);
  const json profile = read_json(files.profile);
  out << "luna: " << printable(program) << " (process " << end.process << ") ended "
      << (end.signal != 0 ? "by signal " + std::to_string(end.signal) + ", " + strsignal(end.signal)
                          : "with status " + std::to_string(end.status))
      << '\n'
      << "  peak         " << byte_text(end.peak_resident_bytes) << " resident";
  const std::uint64_t live = number_in(part_of(profile, "peak"), "bytes");
  if (live != 0) out << ", " << byte_text(live) << " live (estimated)";
  out << '\n';
  if (statistics.is_object()) {
    write_resident(statistics, out);
  } else {
    out << "  it has written no statistics: killed, ended by _exit(), or not run on lunalloc\n";
  }
  if (profile.is_object()) write_sites(files.profile, out);
  write_leaks(files, out);
  if (!files.profile.empty() && files.is_kept)
    out << "  profile      " << printable(files.profile.string()) << '\n';
  if (!files.report.empty()) out << "  report       " << printable(files.report.string()) << '\n';
}

}  // namespace luna::tool
