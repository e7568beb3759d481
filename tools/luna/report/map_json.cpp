// SPDX-License-Identifier: MIT
#include "map_json.hpp"

#include "json_values.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace luna::tool {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostRows = 4096;
constexpr std::size_t kCells = 128;  // of a row
constexpr std::int64_t kMostPages = std::int64_t{1} << 40;

struct State {
  std::string_view name;
  char letter;
};

constexpr char kUnknown = '?';
constexpr std::array<State, 6> kStates = {{{"slab", 's'},
                                           {"large", 'l'},
                                           {"kept", 'k'},
                                           {"spare", 'p'},
                                           {"dirty", 'd'},
                                           {"retained", 'r'}}};

[[nodiscard]] char letter_of(const std::string& name) {
  for (const State& state : kStates)
    if (state.name == name) return state.letter;
  return kUnknown;
}

[[nodiscard]] std::int64_t element(const Json& run, std::size_t place) {
  if (place >= run.size() || !run[place].is_number_integer()) return 0;
  return std::clamp<std::int64_t>(run[place].get<std::int64_t>(), 0, kMostPages);
}

struct Run {
  char letter = kUnknown;
  std::int64_t pages = 0;
  int tenths = 0;  // of it that is in use
};

[[nodiscard]] std::vector<Run> runs_of(const Json& region) {
  std::vector<Run> runs;
  const auto list = region.find("runs");
  if (list == region.end() || !list->is_array()) return runs;
  for (const Json& one : *list) {
    if (!one.is_array() || one.size() < 2 || !one[0].is_string()) continue;
    Run& run = runs.emplace_back();
    run.letter = letter_of(one[0].get<std::string>());
    run.pages = element(one, 1);
    const std::int64_t capacity = element(one, 5);
    if (run.letter == 's' && capacity > 0)
      run.tenths = static_cast<int>(std::min(element(one, 4), capacity) * 9 / capacity);
    if (run.letter == 'l') run.tenths = 9;
  }
  return runs;
}

// What most of each cell is; runs of a region that has several rows go on in the next.
class Painter {
 public:
  explicit Painter(const Json& region) : runs_(runs_of(region)) {}

  void paint(std::int64_t pages, std::string& letters, std::string& digits) {
    const std::int64_t cell = std::max<std::int64_t>(pages / static_cast<std::int64_t>(kCells), 1);
    for (std::size_t i = 0; i < kCells; ++i) {
      const Run most = take(cell);
      letters += most.letter;
      digits += static_cast<char>('0' + most.tenths);
    }
  }

 private:
  [[nodiscard]] Run take(std::int64_t pages) {
    Run most;
    std::int64_t most_pages = 0;
    while (pages > 0 && next_ < runs_.size()) {
      Run& run = runs_[next_];
      const std::int64_t taken = std::min(pages, run.pages);
      if (taken > most_pages) {
        most = run;
        most_pages = taken;
      }
      run.pages -= taken;
      pages -= taken;
      if (run.pages == 0) ++next_;
    }
    return most;
  }

  std::vector<Run> runs_;
  std::size_t next_ = 0;
};

[[nodiscard]] Json row_of(const Json& region, std::uint64_t address) {
  Json row = {
      {"address", address}, {"kind", text_in(region, "kind")}, {"huge", text_in(region, "huge")}};
  if (const auto heap = region.find("heap"); heap != region.end() && heap->is_string())
    row["heap"] = *heap;
  for (const char* key : {"resident_bytes", "huge_bytes", "bytes"})
    if (const auto value = region.find(key); value != region.end() && value->is_number())
      row[key] = *value;
  return row;
}

[[nodiscard]] std::int64_t at_least_one(const Json& map, const char* key, std::int64_t otherwise) {
  const std::int64_t value = number_in(map, key);
  return value > 0 ? value : otherwise;
}

// Numbers alone, for what a file has instead may be anything.
[[nodiscard]] Json numbers_of(const Json& object, std::initializer_list<std::string_view> keys) {
  Json numbers = Json::object();
  for (const std::string_view key : keys)
    if (const auto value = object.find(key); value != object.end() && value->is_number())
      numbers[std::string(key)] = *value;
  return numbers;
}

[[nodiscard]] Json totals_of(const Json& map) {
  const auto totals = map.find("totals");
  if (totals == map.end() || !totals->is_object()) return Json::object();
  Json result = numbers_of(*totals, {"bytes", "resident_bytes", "huge_bytes", "used_block_bytes"});
  for (const State& state : kStates)
    if (const auto part = totals->find(state.name); part != totals->end() && part->is_object())
      result[std::string(state.name)] = numbers_of(*part, {"pages", "resident_pages"});
  return result;
}

}  // namespace

Json map_json(const Json& map) {
  if (!map.is_object() || text_in(map, "format") != "lunalloc map") return nullptr;
  const auto regions = map.find("regions");
  if (regions == map.end() || !regions->is_array()) return nullptr;
  constexpr std::int64_t kPage = 4096;
  constexpr std::int64_t kRegion = std::int64_t{2} << 20;
  const std::int64_t row_bytes = at_least_one(map, "region_bytes", kRegion);
  const std::int64_t page_bytes = at_least_one(map, "page_bytes", kPage);
  const std::int64_t row_pages = row_bytes / page_bytes;
  std::vector<std::pair<std::uint64_t, const Json*>> order;
  for (const Json& region : *regions)
    if (region.is_object()) order.emplace_back(address_in(region, "address"), &region);
  std::sort(order.begin(), order.end());
  Json rows = Json::array();
  std::int64_t left_out = 0;
  for (const auto& [address, region] : order) {
    Painter painter(*region);
    const std::int64_t bytes = std::clamp<std::int64_t>(number_in(*region, "bytes"), 0, kMostPages);
    const std::int64_t count = std::max<std::int64_t>(bytes / row_bytes, 1);
    for (std::int64_t i = 0; i < count; ++i) {
      if (rows.size() == kMostRows) {
        left_out += count - i;
        break;
      }
      std::string letters;
      std::string digits;
      painter.paint(row_pages, letters, digits);
      Json row = i == 0 ? row_of(*region, address) : Json::object();
      row["states"] = letters;
      row["fullness"] = digits;
      rows.push_back(std::move(row));
    }
  }
  const auto seconds = map.find("seconds");
  const bool has_seconds = seconds != map.end() && seconds->is_number();
  return {{"rows", std::move(rows)},
          {"row_bytes", row_bytes},
          {"page_bytes", page_bytes},
          {"left_out", left_out},
          {"complete", is_true_in(map, "complete")},
          {"seconds", has_seconds ? *seconds : Json(nullptr)},
          {"totals", totals_of(map)}};
}

}  // namespace luna::tool
