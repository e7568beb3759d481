// SPDX-License-Identifier: MIT
#include "byte_text.hpp"

#include <array>
#include <iomanip>
#include <sstream>

namespace luna::tool {

std::string byte_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  // What would be rounded up to the next unit is of that.
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << value << ' ' << kUnits[unit];
  return text.str();
}

}  // namespace luna::tool
