// SPDX-License-Identifier: MIT
#include "top_state.hpp"

#include <algorithm>

namespace luna::tool {

namespace {

constexpr std::size_t kPage = 10;
constexpr std::size_t kLongestFilter = 40;

void edit_filter(TopState& state, int key) {
  if (key == kKeyEnter) state.edits_filter = false;
  if (key == kKeyEscape) {
    state.edits_filter = false;
    state.filter.clear();
  }
  if (key == kKeyBackspace && !state.filter.empty()) state.filter.pop_back();
  if (key >= ' ' && key < 0x7F && state.filter.size() < kLongestFilter)
    state.filter += static_cast<char>(key);
  state.selected = 0;
}

void move(std::size_t& place, int key, std::size_t count) {
  const std::size_t last = count == 0 ? 0 : count - 1;
  if (key == kKeyUp || key == 'k') place -= std::min<std::size_t>(place, 1);
  if (key == kKeyDown || key == 'j') ++place;
  if (key == kKeyPageUp) place -= std::min(place, kPage);
  if (key == kKeyPageDown) place += kPage;
  place = std::min(place, last);
}

void go_to(TopState& state, int number) {
  state.view = static_cast<TopView>(number);
  state.selected = 0;
  state.stack.reset();
}

void change_order(TopState& state, int key) {
  if (state.view == TopView::kPressure) return;
  TopOrder& order = state.orders[state.table()];
  if (key == 'r') order.is_reversed = !order.is_reversed;
  if (key == 's') order.column = (order.column + 1) % columns_of(state.table());
  state.selected = 0;
}

void open_stack(TopState& state, const TopRows& rows) {
  if (state.table() != TopTable::kSites || state.view == TopView::kPressure || rows.count == 0)
    return;
  state.stack = rows.key;
  state.first_frame = 0;
}

void leave(TopState& state) {
  if (state.stack) {
    state.stack.reset();
  } else {
    state.filter.clear();
  }
}

}  // namespace

TopTable::Kind TopState::table() const noexcept {
  if (view == TopView::kHeaps) return TopTable::kHeaps;
  return view == TopView::kClasses ? TopTable::kClasses : TopTable::kSites;
}

TopWish press(TopState& state, int key, const TopRows& rows) {
  if (key == kKeyNone) return TopWish::kNothing;
  if (state.edits_filter) {
    edit_filter(state, key);
    return TopWish::kNothing;
  }
  if (key == 'q') return TopWish::kQuit;
  if (key == 'p') return TopWish::kSampling;
  if (state.shows_help) {
    state.shows_help = false;  // any key
    return TopWish::kNothing;
  }
  if (key == '?' || key == 'h') state.shows_help = true;
  if (key == 'f' || key == ' ') state.is_frozen = !state.is_frozen;
  if (key == '/' && !state.stack) state.edits_filter = true;
  if (key >= '1' && key < '1' + kTopViews) go_to(state, key - '1');
  if (key == kKeyTab) go_to(state, (static_cast<int>(state.view) + 1) % kTopViews);
  if (key == 's' || key == 'r') change_order(state, key);
  if (key == kKeyEnter) open_stack(state, rows);
  if (key == kKeyEscape || key == kKeyBackspace) leave(state);
  if (state.stack) {
    move(state.first_frame, key, rows.frames);
  } else {
    move(state.selected, key, rows.count);
  }
  return TopWish::kNothing;
}

TopRows rows_of(const TopState& state, const TopPicture& picture) {
  TopRows result;
  if (const TopSite* const site = shown_site(state, picture)) result.frames = site->stack.size();
  if (state.view == TopView::kPressure) return result;
  const TopTable table =
      make_table(state.table(), picture, state.orders[state.table()], state.filter);
  result.count = table.rows.size();
  if (state.selected < table.rows.size()) result.key = table.rows[state.selected].key;
  return result;
}

const TopSite* shown_site(const TopState& state, const TopPicture& picture) {
  if (!state.stack) return nullptr;
  const auto found = std::find_if(picture.sites.begin(), picture.sites.end(),
                                  [&](const TopSite& site) { return site.key == *state.stack; });
  return found == picture.sites.end() ? nullptr : &*found;
}

}  // namespace luna::tool
