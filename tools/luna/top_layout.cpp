// SPDX-License-Identifier: MIT
#include "top_layout.hpp"

#include "amount_text.hpp"
#include "byte_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace luna::tool {

namespace {

constexpr std::size_t kHead = 6;  // rows
constexpr std::size_t kPressureRows = 2;

const std::string kKeys =
    "q quit  ? help  1-5 views  s r sort  / filter  f freeze  Enter stack  p samples";

constexpr std::array<const char*, kTopViews> kViews = {"1 all", "2 sites", "3 heaps",
                                                       "4 size classes", "5 pressure"};

[[nodiscard]] std::string percent_text(double percent) {
  return share_text(std::llround(std::clamp(percent, 0.0, 1e6) * 10), 1000);
}

[[nodiscard]] std::string rate_text(const std::optional<double>& rate) {
  return rate ? count_text(std::max(*rate, 0.0)) + "/s" : "-";
}

// What a figure grew by, where that is known.
[[nodiscard]] std::string growth_text(const std::optional<double>& rate) {
  if (!rate) return "";
  const std::string text = byte_rate_text(rate);
  return text.starts_with('-') ? " " + text : " +" + text;
}

// How many cells each part of the bar gets, of so many: none is off by more than one.
[[nodiscard]] std::vector<std::size_t> cells_of(const std::vector<TopPicture::Part>& parts,
                                                std::size_t cells) {
  std::vector<std::size_t> result;
  double whole = 0;
  for (const TopPicture::Part& part : parts) whole += static_cast<double>(part.bytes);
  double before = 0;
  std::size_t done = 0;
  for (const TopPicture::Part& part : parts) {
    before += static_cast<double>(part.bytes);
    const auto end = static_cast<std::size_t>(
        whole > 0 ? std::lround(before / whole * static_cast<double>(cells)) : 0);
    result.push_back(std::min(end, cells) - std::min(done, cells));
    done = end;
  }
  return result;
}

void draw_bar(const TopPicture& picture, std::size_t row, TextCanvas& canvas) {
  const std::size_t cells = canvas.columns() - 2;
  const std::vector<std::size_t> widths = cells_of(picture.parts, cells);
  canvas.put(row, 0, "[");
  std::size_t column = 1;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const auto style = static_cast<CellStyle>(static_cast<std::size_t>(CellStyle::kPart) + i);
    canvas.put(row, column, std::string(widths[i], picture.parts[i].letter), style);
    column += widths[i];
  }
  canvas.put(row, canvas.columns() - 1, "]");
}

void draw_head(const TopScene& scene, TextCanvas& canvas) {
  const TopPicture& picture = scene.picture;
  const auto view = static_cast<std::size_t>(scene.state.view);
  std::string right = scene.when;
  if (scene.state.is_frozen) right = "FROZEN  " + right;
  if (!scene.alarm.empty()) right = scene.alarm + "  " + scene.when;
  const std::string left = "luna top  " + scene.process + "  " + kViews[view];
  const std::size_t room = canvas.columns() - std::min(right.size() + 2, canvas.columns());
  canvas.put(0, 0, shortened(left, room));
  canvas.put_right(0, canvas.columns(), right);
  canvas.set_style(0, scene.alarm.empty() ? CellStyle::kTitle : CellStyle::kAlarm);
  const TopRates& rates = picture.rates;
  canvas.put_items(1, 1,
                   {"RSS " + byte_text(picture.resident_bytes) + growth_text(rates.resident_bytes),
                    "live " + byte_text(picture.live_bytes) + growth_text(rates.live_bytes),
                    "committed " + byte_text(picture.committed_bytes)});
  draw_bar(picture, 2, canvas);
  std::vector<std::string> parts;
  for (const TopPicture::Part& part : picture.parts)
    parts.push_back(std::string(1, part.letter) + " " + part.name + " " + byte_text(part.bytes));
  canvas.put_items(3, 2, parts);
  const std::string allocated = picture.is_sampling
                                    ? "allocates " + byte_rate_text(rates.allocated_bytes)
                                    : "allocates - (no samples: p)";
  canvas.put_items(
      5, 1,
      {allocated, "refills " + rate_text(rates.refills), "faults " + rate_text(rates.faults),
       "given back " + byte_rate_text(rates.returned_bytes)});
}

void draw_captions(const TopTable& table, std::size_t row, TextCanvas& canvas) {
  std::size_t column = 1;
  for (const TopTable::Column& one : table.columns) {
    column += one.width;
    canvas.put_right(row, column, one.caption);
  }
  canvas.put(row, column + 2, shortened(table.title, canvas.columns() - column - 2));
  canvas.set_style(row, CellStyle::kTitle);
}

void draw_row(const TopTable& table, const TopTable::Row& row, std::size_t place,
              TextCanvas& canvas) {
  std::size_t column = 1;
  for (std::size_t i = 0; i < row.figures.size(); ++i) {
    column += table.columns[i].width;
    canvas.put_right(place, column, row.figures[i]);
  }
  canvas.put(place, column + 2, shortened(row.name, canvas.columns() - column - 2));
}

// Rows of the canvas.
struct Area {
  std::size_t begin = 0;
  std::size_t count = 0;
};

// The chosen row stays in sight; `nothing`: why there are no rows.
void draw_table(const TopTable& table, Area area, const std::size_t* chosen,
                const std::string& nothing, TextCanvas& canvas) {
  draw_captions(table, area.begin, canvas);
  const std::size_t shown = area.count - 1;
  if (table.rows.empty()) canvas.put(area.begin + 1, 1, shortened(nothing, canvas.columns() - 1));
  if (table.rows.empty()) return;
  const std::size_t place = chosen == nullptr ? 0 : std::min(*chosen, table.rows.size() - 1);
  const std::size_t first = place < shown ? 0 : place - shown + 1;
  for (std::size_t i = 0; i < shown && first + i < table.rows.size(); ++i) {
    const std::size_t row = area.begin + 1 + i;
    draw_row(table, table.rows[first + i], row, canvas);
    if (chosen == nullptr || first + i != place) continue;
    canvas.put(row, 0, ">");
    canvas.set_style(row, CellStyle::kChosen);
  }
}

void draw_kind(TopTable::Kind kind, const TopScene& scene, Area area, TextCanvas& canvas) {
  const TopState& state = scene.state;
  const TopTable table = make_table(kind, scene.picture, state.orders[kind], state.filter);
  std::string nothing = "none";
  if (table.rows_without_filter != 0) nothing = "none has the text " + state.filter;
  if (kind == TopTable::kSites && !scene.picture.has_samples)
    nothing = "the process takes no samples; the key p switches them on while luna looks";
  draw_table(table, area, kind == state.table() ? &state.selected : nullptr, nothing, canvas);
}

[[nodiscard]] std::vector<std::string> stall_items(const TopPicture& picture) {
  const auto text = [](const std::optional<double>& percent) {
    return percent ? percent_text(*percent) : "-";
  };
  return {
      "stalls in 10 s: some " + text(picture.some_percent) + ", all " + text(picture.full_percent),
      "faults with input " + rate_text(picture.rates.major_faults),
      "events " + count_text(picture.events)};
}

void draw_pressure_in_short(const TopPicture& picture, std::size_t row, TextCanvas& canvas) {
  std::string text = "PRESSURE " + picture.level + ": ";
  if (picture.limits.empty()) {
    text += "no limit but the machine's";
  } else {
    const TopPicture::Limit& limit = picture.limits.front();
    text += percent_text(limit.percent) + " of " + byte_text(limit.limit_bytes) + ", ";
    text += shortened(limit.name, canvas.columns() - std::min(text.size() + 1, canvas.columns()));
  }
  canvas.put(row, 1, text);
  canvas.set_style(row, picture.level == "none" ? CellStyle::kTitle : CellStyle::kAlarm);
  canvas.put_items(row + 1, 1, stall_items(picture));
}

void draw_pressure(const TopPicture& picture, Area area, TextCanvas& canvas) {
  draw_pressure_in_short(picture, area.begin, canvas);
  canvas.put(area.begin + 3, 0,
             "low from " + percent_text(picture.low_percent) + ", moderate from " +
                 percent_text(picture.moderate_percent) + ", critical from " +
                 percent_text(picture.critical_percent) + " of a limit");
  std::size_t row = area.begin + 5;
  canvas.put(row, 1, "       used      limit         of it  LIMITS");
  canvas.set_style(row++, CellStyle::kTitle);
  if (picture.limits.empty()) canvas.put(row, 1, "none, of a cgroup, of the process or the heap");
  for (const TopPicture::Limit& limit : picture.limits) {
    if (row >= area.begin + area.count) return;
    canvas.put_right(row, 12, byte_text(limit.used_bytes));
    canvas.put_right(row, 23, byte_text(limit.limit_bytes));
    canvas.put_right(row, 37, percent_text(limit.percent));
    canvas.put(row++, 39, shortened(limit.name, canvas.columns() - 39));
  }
}

// All sections: of what is left, half is for sites, and a little more than half of the rest for
// size classes.
void draw_all(const TopScene& scene, Area area, TextCanvas& canvas) {
  const std::size_t left = area.count - kPressureRows;
  const std::size_t heaps = std::max<std::size_t>(left / 4 + 1, 3);
  const std::size_t classes = std::max<std::size_t>(left / 4 + 1, 3);
  const std::size_t sites = left - heaps - classes;
  draw_kind(TopTable::kSites, scene, {area.begin, sites}, canvas);
  draw_kind(TopTable::kHeaps, scene, {area.begin + sites, heaps}, canvas);
  draw_kind(TopTable::kClasses, scene, {area.begin + sites + heaps, classes}, canvas);
  draw_pressure_in_short(scene.picture, area.begin + left, canvas);
}

void draw_stack(const TopScene& scene, Area area, TextCanvas& canvas) {
  const TopSite* const site = shown_site(scene.state, scene.picture);
  canvas.put(area.begin, 1, "STACK, innermost first; Esc goes back");
  canvas.set_style(area.begin, CellStyle::kTitle);
  if (site == nullptr) {
    canvas.put(area.begin + 1, 1, "the site is not in the last profile");
    return;
  }
  canvas.put_items(area.begin + 1, 1,
                   {"live " + amount_text(site->live_bytes, "bytes") + " in " +
                        count_text(static_cast<double>(site->live_objects)) + " objects",
                    "allocated " + amount_text(site->allocated_bytes, "bytes") + " in all",
                    byte_rate_text(site->allocated_per_second) + " now"});
  const std::size_t shown = area.count - 3;
  const std::size_t frames = site->stack.size();
  const std::size_t most = frames > shown ? frames - shown : 0;
  const std::size_t first = std::min(scene.state.first_frame, most);
  for (std::size_t i = 0; i < shown && first + i < frames; ++i) {
    canvas.put_right(area.begin + 3 + i, 4, std::to_string(first + i + 1));
    canvas.put(area.begin + 3 + i, 5, shortened(site->stack[first + i], canvas.columns() - 5));
  }
}

void draw_help(Area area, TextCanvas& canvas) {
  constexpr std::array kLines = {
      "KEYS, any key goes back",
      "1 2 3 4 5   views: all, sites, heaps, size classes, pressure; Tab: the next",
      "Up Down     choose a row, also k and j; PageUp PageDown: ten rows",
      "Enter       the stack of the chosen site; Esc goes back",
      "s           sort by the next column, which has a v; r: the least first, a ^",
      "/           only rows that have a text, of sites in their stacks; Enter keeps",
      "            it, Esc takes it away",
      "f           freeze what is seen, and go on; also the space bar",
      "p           take samples, which sites and the rate need, until luna ends",
      "q           quit, also Ctrl-C; what luna changed is as it was before",
      "WORDS",
      "live        blocks in use; committed: memory that blocks and free pages have",
      "kept free   large blocks for the next request; pages not yet given back",
      "tables      lunalloc's own; profiler: and its like; other: not of the heap",
      "refills     lists of threads that were empty; faults: of pages, of the process",
      "given back  free pages to the kernel; stalls: time in which threads of the",
      "            machine waited for memory",
  };
  for (std::size_t i = 0; i < kLines.size() && i < area.count; ++i)
    canvas.put(area.begin + i, 1, kLines[i]);
  canvas.set_style(area.begin, CellStyle::kTitle);
}

void draw_view(const TopScene& scene, Area area, TextCanvas& canvas) {
  if (scene.state.shows_help) return draw_help(area, canvas);
  if (scene.state.stack) return draw_stack(scene, area, canvas);
  if (scene.state.view == TopView::kAll) return draw_all(scene, area, canvas);
  if (scene.state.view == TopView::kPressure) return draw_pressure(scene.picture, area, canvas);
  draw_kind(scene.state.table(), scene, area, canvas);
}

}  // namespace

TextCanvas draw_screen(const TopScene& scene, std::size_t rows, std::size_t columns) {
  TextCanvas canvas(rows, columns);
  if (rows < kLeastRows || columns < kLeastColumns) {
    canvas.put(0, 0, "luna top needs 80 columns and 24 rows; q quits");
    return canvas;
  }
  draw_head(scene, canvas);
  draw_view(scene, {kHead, rows - kHead - 1}, canvas);
  std::string last = scene.message.empty() ? kKeys : scene.message;
  if (scene.state.edits_filter)
    last = "filter: " + scene.state.filter + "_  (Enter keeps it, Esc takes it away)";
  canvas.put(rows - 1, 0, shortened(last, columns));
  canvas.set_style(rows - 1, CellStyle::kTitle);
  return canvas;
}

std::string plain_lines(const TopScene& scene) {
  constexpr std::size_t kRows = 40;
  constexpr std::size_t kColumns = 120;
  TextCanvas canvas(kRows, kColumns);
  draw_head(scene, canvas);
  draw_all(scene, {kHead, kRows - kHead}, canvas);
  std::string text;
  for (std::size_t row = 0; row < kRows; ++row) {
    std::string line = canvas.text(row);
    if (line.starts_with('>')) line[0] = ' ';
    if (!line.empty()) text += line + '\n';
  }
  return text;
}

}  // namespace luna::tool
