// SPDX-License-Identifier: MIT
// What `luna bench` has measured, and what is told of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

// One run of the command.
struct MeasuredRun {
  std::string problem;  // empty: none; else its figures do not count
  int process = 0;
  double wall_seconds = 0;
  double cpu_seconds = 0;  // in user mode and in the kernel
  std::uint64_t peak_resident_bytes = 0;
  std::uint64_t page_faults = 0;
};

// The command on one allocator.
struct BenchSubject {
  std::string name;
  std::string image;     // the library that is preloaded; empty: none
  std::string left_out;  // why it was not in force; empty: it was
  std::vector<MeasuredRun> runs;
};

struct BenchResult {
  std::vector<std::string> command;
  std::size_t runs = 0;                // that were to be made of each
  std::vector<BenchSubject> subjects;  // the first is what the others are compared with
  std::vector<std::string> notes;      // whole sentences

  // Every subject was in force, and none of its runs had a problem.
  [[nodiscard]] bool is_whole() const;
};

struct BenchMetric {
  const char* key;
  const char* title;
  const char* unit;
  double (*value)(const MeasuredRun& run);  // in that unit
  int digits;                               // behind the point
};

inline constexpr std::array<BenchMetric, 4> kBenchMetrics = {{
    {"wall_seconds", "wall time", "s", [](const MeasuredRun& run) { return run.wall_seconds; }, 3},
    {"cpu_seconds", "CPU time, user and system", "s",
     [](const MeasuredRun& run) { return run.cpu_seconds; }, 3},
    {"peak_resident_mib", "peak RSS", "MiB",
     [](const MeasuredRun& run) {
       return static_cast<double>(run.peak_resident_bytes) / (1024 * 1024);
     },
     1},
    {"page_faults", "page faults", "",
     [](const MeasuredRun& run) { return static_cast<double>(run.page_faults); }, 0},
}};

// Of the runs that count.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

// Nothing: there is no such run.
[[nodiscard]] std::optional<Spread> spread_of(const BenchSubject& subject,
                                              const BenchMetric& metric);

// Of its median to that of the first subject: "0.87", with "~" behind it where their ranges
// overlap; "-" where there is none.
[[nodiscard]] std::string ratio_text(const BenchResult& result, const BenchSubject& subject,
                                     const BenchMetric& metric);

[[nodiscard]] std::string number_text(double value, int digits);

// As a shell would take it.
[[nodiscard]] std::string command_text(const std::vector<std::string>& command);

// Lines of what went wrong: who was left out, which runs do not count; then the notes.
[[nodiscard]] std::vector<std::string> remarks_of(const BenchResult& result);

// For people, in 80 columns where names are short; for programs; as a page for browsers.
void write_bench_text(const BenchResult& result, std::ostream& out);
void write_bench_json(const BenchResult& result, std::ostream& out);
void write_bench_html(const BenchResult& result, std::ostream& out);

}  // namespace luna::tool
