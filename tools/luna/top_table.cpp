// SPDX-License-Identifier: MIT
#include "top_table.hpp"

#include "amount_text.hpp"
#include "byte_text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <functional>

namespace luna::tool {

namespace {

constexpr double kMostShown = 9e18;

// What rows are sorted by, beside the row.
struct SortedRow {
  std::vector<double> amounts;
  TopTable::Row row;
};

[[nodiscard]] std::string byte_cell(std::int64_t bytes) { return amount_text(bytes, "bytes"); }

[[nodiscard]] bool is_same_letter(char one, char other) {
  const auto lower = [](char letter) { return std::tolower(static_cast<unsigned char>(letter)); };
  return lower(one) == lower(other);
}

[[nodiscard]] bool has_text(const std::string& text, const std::string& filter) {
  return std::search(text.begin(), text.end(), filter.begin(), filter.end(), is_same_letter) !=
             text.end() ||
         filter.empty();
}

[[nodiscard]] bool is_wanted(const TopSite& site, const std::string& filter) {
  return has_text(site.place, filter) ||
         std::any_of(site.stack.begin(), site.stack.end(),
                     [&](const std::string& line) { return has_text(line, filter); });
}

[[nodiscard]] std::vector<SortedRow> site_rows(const TopPicture& picture,
                                               const std::string& filter) {
  std::vector<SortedRow> rows;
  for (const TopSite& site : picture.sites)
    if (is_wanted(site, filter))
      rows.push_back({{static_cast<double>(site.live_bytes), site.allocated_per_second.value_or(0),
                       static_cast<double>(site.live_objects)},
                      {{byte_cell(site.live_bytes), byte_rate_text(site.allocated_per_second),
                        count_text(static_cast<double>(site.live_objects))},
                       site.place,
                       site.key}});
  return rows;
}

[[nodiscard]] std::vector<SortedRow> heap_rows(const TopPicture& picture,
                                               const std::string& filter) {
  std::vector<SortedRow> rows;
  for (const TopHeap& heap : picture.heaps)
    if (has_text(heap.name, filter))
      rows.push_back({{static_cast<double>(heap.live_bytes), static_cast<double>(heap.cached_bytes),
                       static_cast<double>(heap.resident_bytes.value_or(0)),
                       static_cast<double>(heap.limit_bytes), static_cast<double>(heap.denied)},
                      {{byte_text(heap.live_bytes), byte_text(heap.cached_bytes),
                        heap.resident_bytes ? byte_text(*heap.resident_bytes) : "-",
                        heap.limit_bytes != 0 ? byte_text(heap.limit_bytes) : "-",
                        count_text(static_cast<double>(heap.denied))},
                       heap.name,
                       heap.name}});
  return rows;
}

// As a bar of ten: so much of the slabs of the class is in use.
[[nodiscard]] std::string bar_of(double fullness) {
  constexpr std::size_t kLong = 10;
  const auto full = static_cast<std::size_t>(std::lround(kLong * std::clamp(fullness, 0.0, 1.0)));
  return "[" + std::string(full, '#') + std::string(kLong - full, '.') + "]";
}

[[nodiscard]] std::vector<SortedRow> class_rows(const TopPicture& picture,
                                                const std::string& filter) {
  std::vector<SortedRow> rows;
  for (const TopClass& one : picture.classes) {
    const std::string name = "blocks of " + std::to_string(one.block_bytes);
    if (!has_text(name, filter)) continue;
    rows.push_back(
        {{static_cast<double>(one.used_bytes), static_cast<double>(one.used_blocks),
          static_cast<double>(one.free_bytes), one.fullness, static_cast<double>(one.block_bytes)},
         {{byte_text(one.used_bytes), count_text(static_cast<double>(one.used_blocks)),
           byte_text(one.free_bytes),
           share_text(std::llround(1000 * std::clamp(one.fullness, 0.0, 1.0)), 1000),
           byte_text(one.block_bytes)},
          bar_of(one.fullness),
          name}});
  }
  return rows;
}

struct Description {
  std::string_view title;
  std::vector<TopTable::Column> columns;
  std::vector<SortedRow> (*rows)(const TopPicture&, const std::string&);
};

[[nodiscard]] const Description& description_of(TopTable::Kind kind) {
  static const std::array<Description, TopTable::kKinds> all = {{
      {"SITES", {{"live", 11}, {"alloc", 13}, {"objects", 10}}, site_rows},
      {"HEAPS",
       {{"live", 11}, {"cached", 11}, {"resident", 11}, {"limit", 11}, {"denied", 9}},
       heap_rows},
      {"SIZE CLASSES",
       {{"used", 11}, {"blocks", 10}, {"free", 11}, {"full", 9}, {"block", 11}},
       class_rows},
  }};
  return all[kind];
}

}  // namespace

TopTable make_table(TopTable::Kind kind, const TopPicture& picture, const TopOrder& order,
                    const std::string& filter) {
  const Description& description = description_of(kind);
  std::vector<SortedRow> rows = description.rows(picture, filter);
  std::stable_sort(rows.begin(), rows.end(), [&](const SortedRow& one, const SortedRow& other) {
    const double left = one.amounts[order.column];
    const double right = other.amounts[order.column];
    return order.is_reversed ? left < right : left > right;
  });
  TopTable table;
  table.columns = description.columns;
  table.columns[order.column].caption += order.is_reversed ? " ^" : " v";
  for (SortedRow& row : rows) table.rows.push_back(std::move(row.row));
  const std::array<std::size_t, TopTable::kKinds> all = {picture.sites.size(), picture.heaps.size(),
                                                         picture.classes.size()};
  table.rows_without_filter = all[kind];
  table.title = std::string(description.title) + " " + std::to_string(table.rows.size());
  if (!filter.empty()) table.title += " of " + std::to_string(all[kind]) + " with " + filter;
  return table;
}

std::size_t columns_of(TopTable::Kind kind) { return description_of(kind).columns.size(); }

std::string count_text(double count) {
  std::array<char, 32> text{};
  const double size = std::abs(count);
  const char* const format = size < 1e7 ? "%.0f" : size < 1e10 ? "%.1fM" : "%.1fG";
  const double unit = size < 1e7 ? 1 : size < 1e10 ? 1e6 : 1e9;
  std::snprintf(text.data(), text.size(), format, std::clamp(count, -1e13, 1e13) / unit);
  return text.data();
}

std::string byte_rate_text(const std::optional<double>& bytes) {
  if (!bytes) return "-";
  return byte_cell(std::llround(std::clamp(*bytes, -kMostShown, kMostShown))) + "/s";
}

}  // namespace luna::tool
