// SPDX-License-Identifier: MIT
// The tables of `luna top` as rows of text, filtered and sorted.
#pragma once

#include "top_picture.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace luna::tool {

struct TopTable {
  enum Kind : std::size_t { kSites, kHeaps, kClasses, kKinds };

  struct Column {
    std::string caption;
    std::size_t width = 0;  // of any figure, with a space before it
  };
  struct Row {
    std::vector<std::string> figures;
    std::string name;
    std::string key;  // the same in each picture of a process
  };

  std::string title;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::size_t rows_without_filter = 0;
};

// By which column rows are sorted, the most first unless it is reversed.
struct TopOrder {
  std::size_t column = 0;
  bool is_reversed = false;
};

// Only rows that have the text of the filter somewhere in their name, or in the stack of a site;
// capital letters are as small ones.
[[nodiscard]] TopTable make_table(TopTable::Kind kind, const TopPicture& picture,
                                  const TopOrder& order, const std::string& filter);

// How many columns a table can be sorted by.
[[nodiscard]] std::size_t columns_of(TopTable::Kind kind);

// "12300", or "12.3M" from 10 million on.
[[nodiscard]] std::string count_text(double count);

// "-" where it is not known; else as "1.2 MiB/s".
[[nodiscard]] std::string byte_rate_text(const std::optional<double>& bytes);

}  // namespace luna::tool
