// SPDX-License-Identifier: MIT
#include "text_canvas.hpp"

#include <algorithm>

namespace luna::tool {

std::string TextCanvas::text(std::size_t row) const {
  std::string text;
  for (const Cell& cell : cells_[row]) text += cell.letter;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

void TextCanvas::put(std::size_t row, std::size_t column, std::string_view text, CellStyle style) {
  if (row >= cells_.size()) return;
  for (const char letter : text) {
    if (column >= columns_) return;
    cells_[row][column++] = {letter, style};
  }
}

void TextCanvas::put_right(std::size_t row, std::size_t end, std::string_view text,
                           CellStyle style) {
  if (end >= text.size()) put(row, end - text.size(), text, style);
}

void TextCanvas::put_items(std::size_t row, std::size_t rows,
                           const std::vector<std::string>& items) {
  constexpr std::size_t kApart = 2;
  const std::size_t end = row + rows;
  std::size_t column = 0;
  for (const std::string& item : items) {
    if (column + item.size() > columns_) {
      if (row + 1 == end || item.size() > columns_) continue;
      ++row;
      column = 0;
    }
    put(row, column, item);
    column += item.size() + kApart;
  }
}

void TextCanvas::set_style(std::size_t row, CellStyle style) {
  for (Cell& cell : cells_[row]) cell.style = style;
}

std::string shortened(const std::string& text, std::size_t longest) {
  constexpr std::string_view kGap = "...";
  if (text.size() <= longest) return text;
  if (longest <= kGap.size()) return text.substr(0, longest);
  const std::size_t kept = longest - kGap.size();
  const std::size_t tail = kept / 2;
  return text.substr(0, kept - tail).append(kGap).append(text, text.size() - tail);
}

}  // namespace luna::tool
