// SPDX-License-Identifier: MIT
// The numbers that stand for each kind of profile, as columns of a table whose rows are the
// sites. All formats that do not say everything read them from here.
#pragma once

#include "telemetry/profile.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

// An estimate; names and units are those that readers of pprof's format know, where they do.
struct Column {
  std::string_view name;
  std::string_view unit;
  double (*value)(const ProfileRow& row) noexcept;
};

// For people: so many bytes in so many objects.
struct Shown {
  Column objects;
  Column bytes;
  std::uint64_t (*samples)(const ProfileRow& row) noexcept;  // nullptr: it is not known
};

struct KindColumns {
  std::span<const Column> columns;
  std::size_t main;        // the column that readers show at first
  Column folded;           // the one of formats that have one number
  std::string_view title;  // of texts
  std::string_view label;  // of what is shown
  Shown shown;             // sites stand in the order of its bytes
  Shown whole;             // what it is a part of
};

[[nodiscard]] const KindColumns& columns_of(ProfileKind kind) noexcept;

}  // namespace luna
