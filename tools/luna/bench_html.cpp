// SPDX-License-Identifier: MIT
// The result of `luna bench` as one page, without scripts and without anything from elsewhere.
#include "bench_result.hpp"
#include "printable.hpp"

#include <algorithm>
#include <ostream>

namespace luna::tool {

namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>luna bench</title>
<style>
:root { color-scheme: light dark; --back: #fff; --text: #1c2330; --dim: #5b6472; --line: #d5dae2;
  --bar: #9db4d0; --own: #2f6fde; --range: #1c2330; }
@media (prefers-color-scheme: dark) { :root { --back: #14181f; --text: #e6e9ee; --dim: #9aa4b2;
  --line: #333b48; --bar: #51657f; --own: #5c9bff; --range: #e6e9ee; } }
body { background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
code { overflow-wrap: anywhere; }
p, li { color: var(--dim); }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--text); font: 13px system-ui, sans-serif; }
.bar { fill: var(--bar); } .own { fill: var(--own); }
.range { stroke: var(--range); stroke-width: 1.5; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .5rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
summary { color: var(--dim); cursor: pointer; }
</style>
</head>
<body>
)";

// Of the picture, in its own units.
constexpr double kWidth = 720;
constexpr double kBarLeft = 130;
constexpr double kBarRight = 560;
constexpr double kRow = 26;

[[nodiscard]] std::string escaped_markup(std::string_view text) {
  std::string result;
  for (const char letter : printable(text)) {
    if (letter == '&') {
      result += "&amp;";
    } else if (letter == '<') {
      result += "&lt;";
    } else if (letter == '>') {
      result += "&gt;";
    } else if (letter == '"') {
      result += "&quot;";
    } else if (letter == '\'') {
      result += "&#39;";
    } else {
      result += letter;
    }
  }
  return result;
}

// Names have room for as many letters as this.
[[nodiscard]] std::string short_name(const std::string& name) {
  constexpr std::size_t kMost = 17;
  if (name.size() <= kMost) return escaped_markup(name);
  return escaped_markup(name.substr(0, kMost - 1)) + "…";
}

[[nodiscard]] std::string with_unit(double value, const BenchMetric& metric) {
  const std::string unit = metric.unit;
  return number_text(value, metric.digits) + (unit.empty() ? "" : " " + unit);
}

[[nodiscard]] std::string place(const char* name, double value) {
  return std::string(" ") + name + "=\"" + number_text(value, 1) + '"';
}

class Picture {
 public:
  Picture(const BenchResult& result, const BenchMetric& metric, std::ostream& out)
      : result_(result), metric_(metric), out_(out) {
    for (const BenchSubject& subject : result.subjects)
      if (const auto spread = spread_of(subject, metric)) most_ = std::max(most_, spread->most);
  }

  void write() const {
    const double height = kRow * static_cast<double>(result_.subjects.size()) + 4;
    out_ << "<h2>" << metric_.title << "</h2>\n<svg viewBox=\"0 0 " << number_text(kWidth, 0) << ' '
         << number_text(height, 0) << "\" role=\"img\" aria-label=\"" << metric_.title
         << " of each allocator; the numbers are in the table below\">\n";
    double top = 2;
    for (const BenchSubject& subject : result_.subjects) {
      write_row(subject, top);
      top += kRow;
    }
    out_ << "</svg>\n";
  }

 private:
  [[nodiscard]] double across(double value) const {
    return kBarLeft + (most_ > 0 ? value / most_ : 0) * (kBarRight - kBarLeft);
  }

  void write_text(double left, double top, const std::string& text) const {
    out_ << "<text" << place("x", left) << place("y", top + 17) << '>' << text << "</text>\n";
  }

  void write_line(double left, double right, double top, double bottom) const {
    out_ << "<line class=\"range\"" << place("x1", left) << place("x2", right) << place("y1", top)
         << place("y2", bottom) << "/>\n";
  }

  void write_row(const BenchSubject& subject, double top) const {
    write_text(0, top, short_name(subject.name));
    const auto spread = spread_of(subject, metric_);
    if (!spread) {
      write_text(kBarLeft, top, "no run counts");
      return;
    }
    const double middle = top + kRow / 2;
    out_ << "<rect class=\"" << (subject.name == "lunalloc" ? "own" : "bar") << '"'
         << place("x", kBarLeft) << place("y", top + 4)
         << place("width", across(spread->median) - kBarLeft) << place("height", kRow - 8)
         << " rx=\"2\"/>\n";
    write_line(across(spread->least), across(spread->most), middle, middle);
    for (const double end : {spread->least, spread->most})
      write_line(across(end), across(end), middle - 4, middle + 4);
    write_text(
        kBarRight + 10, top,
        with_unit(spread->median, metric_) + " (" + ratio_text(result_, subject, metric_) + ")");
  }

  const BenchResult& result_;
  const BenchMetric& metric_;
  std::ostream& out_;
  double most_ = 0;
};

void write_table(const BenchResult& result, const BenchMetric& metric, std::ostream& out) {
  out << "<details><summary>" << metric.title << " in numbers</summary>\n<table>\n"
      << "<tr><th>allocator</th><th>median</th><th>min</th><th>max</th><th>ratio</th></tr>\n";
  for (const BenchSubject& subject : result.subjects) {
    out << "<tr><td>" << escaped_markup(subject.name) << "</td>";
    if (const auto spread = spread_of(subject, metric)) {
      for (const double value : {spread->median, spread->least, spread->most})
        out << "<td>" << with_unit(value, metric) << "</td>";
      out << "<td>" << ratio_text(result, subject, metric) << "</td></tr>\n";
    } else {
      out << "<td>-</td><td>-</td><td>-</td><td>-</td></tr>\n";
    }
  }
  out << "</table></details>\n";
}

}  // namespace

void write_bench_html(const BenchResult& result, std::ostream& out) {
  out << kHead << "<h1>One command, " << result.subjects.size() << " allocators</h1>\n<p><code>"
      << escaped_markup(command_text(result.command)) << "</code></p>\n<p>" << result.runs
      << " runs of each in turn. Bars are medians, lines reach from the least to the most; shorter "
         "is better. In brackets is the ratio to "
      << escaped_markup(result.subjects.front().name)
      << ", with ~ where their ranges overlap.</p>\n";
  for (const BenchMetric& metric : kBenchMetrics) {
    Picture(result, metric, out).write();
    write_table(result, metric, out);
  }
  const auto remarks = remarks_of(result);
  if (!remarks.empty()) out << "<h2>Notes</h2>\n<ul>\n";
  for (const std::string& remark : remarks) out << "<li>" << escaped_markup(remark) << "</li>\n";
  out << (remarks.empty() ? "" : "</ul>\n") << "</body>\n</html>\n";
}

}  // namespace luna::tool
