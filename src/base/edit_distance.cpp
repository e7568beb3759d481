// SPDX-License-Identifier: MIT
#include "base/edit_distance.hpp"

#include "base/format.hpp"

#include <array>

namespace luna {

std::size_t edit_distance(std::string_view from, std::string_view to) noexcept {
  std::array<std::size_t, 64> row;
  if (to.size() >= row.size()) to = part_of(to, 0, row.size() - 1);
  for (std::size_t i = 0; i <= to.size(); ++i) row[i] = i;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t k = 0; k < to.size(); ++k) {
      std::size_t best = diagonal + (from[i] == to[k] ? 0U : 1U);
      if (row[k] + 1 < best) best = row[k] + 1;
      if (row[k + 1] + 1 < best) best = row[k + 1] + 1;
      diagonal = row[k + 1];
      row[k + 1] = best;
    }
  }
  return row[to.size()];
}

}  // namespace luna
