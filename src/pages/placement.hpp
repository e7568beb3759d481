// SPDX-License-Identifier: MIT
// Where what is handed out comes to lie: the option placement.
#pragma once

#include <cstdint>

namespace luna {

enum class Placement : std::uint8_t {
  kBestFit,     // memory that is backed first, then the fullest region
  kLowAddress,  // the lowest place that is long enough, backed or not
};

}  // namespace luna
