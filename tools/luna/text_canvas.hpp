// SPDX-License-Identifier: MIT
// Rows of cells that text is written to. What does not fit is left out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

enum class CellStyle : unsigned char {
  kPlain,
  kTitle,
  kChosen,
  kAlarm,
  kPart  // and those that follow: the parts of a bar
};

struct Cell {
  char letter = ' ';
  CellStyle style = CellStyle::kPlain;
};

class TextCanvas {
 public:
  TextCanvas(std::size_t rows, std::size_t columns)
      : columns_(columns), cells_(rows, std::vector<Cell>(columns)) {}

  [[nodiscard]] std::size_t rows() const noexcept { return cells_.size(); }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] const std::vector<Cell>& row(std::size_t row) const { return cells_[row]; }

  // Of a row, without spaces at its end.
  [[nodiscard]] std::string text(std::size_t row) const;

  void put(std::size_t row, std::size_t column, std::string_view text,
           CellStyle style = CellStyle::kPlain);

  // Ends in this column.
  void put_right(std::size_t row, std::size_t end, std::string_view text,
                 CellStyle style = CellStyle::kPlain);

  // One after the other, two spaces apart, in `rows` rows: one that does not fit as a whole goes to
  // the next, or is left out.
  void put_items(std::size_t row, std::size_t rows, const std::vector<std::string>& items);

  void set_style(std::size_t row, CellStyle style);

 private:
  std::size_t columns_;
  std::vector<std::vector<Cell>> cells_;
};

// At most so long: with "..." in its middle, so that the end is seen, where lines are told.
[[nodiscard]] std::string shortened(const std::string& text, std::size_t longest);

}  // namespace luna::tool
