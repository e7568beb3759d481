// SPDX-License-Identifier: MIT
// What the reader of `luna top` has chosen by keys, and what each key does to it.
#pragma once

#include "top_table.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>

namespace luna::tool {

// A letter, or one of these.
enum TopKey : int { kKeyNone = -1, kKeyUp = 0x100, kKeyDown, kKeyPageUp, kKeyPageDown };
constexpr int kKeyEnter = '\n';
constexpr int kKeyEscape = 27;
constexpr int kKeyBackspace = 8;
constexpr int kKeyTab = '\t';

enum class TopView { kAll, kSites, kHeaps, kClasses, kPressure };
constexpr int kTopViews = 5;

// What a key asks of others.
enum class TopWish { kNothing, kQuit, kSampling };

struct TopState {
  // That keys choose rows of; in the view of all these are sites.
  [[nodiscard]] TopTable::Kind table() const noexcept;

  TopView view = TopView::kAll;
  std::array<TopOrder, TopTable::kKinds> orders;
  std::string filter;
  bool edits_filter = false;
  bool is_frozen = false;
  bool shows_help = false;
  std::size_t selected = 0;          // a row of the table
  std::optional<std::string> stack;  // of the site with this key
  std::size_t first_frame = 0;       // that is seen of it
};

// `rows`: how many the table has, `key`: of the selected one.
struct TopRows {
  std::size_t count = 0;
  std::string key;
  std::size_t frames = 0;  // of the stack that is shown
};

[[nodiscard]] TopWish press(TopState& state, int key, const TopRows& rows);

// What press() wants to know of a picture.
[[nodiscard]] TopRows rows_of(const TopState& state, const TopPicture& picture);

// The site whose stack is shown, or nullptr: none is, or it is gone.
[[nodiscard]] const TopSite* shown_site(const TopState& state, const TopPicture& picture);

}  // namespace luna::tool
