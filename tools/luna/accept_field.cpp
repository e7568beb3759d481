// SPDX-License-Identifier: MIT
#include "accept_field.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>

namespace luna::tool {

namespace {

// Up to a separator, without blanks around; both go from the text.
[[nodiscard]] std::string_view take_part(std::string_view& text, char separator) {
  constexpr std::string_view kBlanks = " \t";
  std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  part.remove_prefix(std::min(part.find_first_not_of(kBlanks), part.size()));
  return part.substr(0, part.find_last_not_of(kBlanks) + 1);
}

[[nodiscard]] bool is_same(std::string_view one, std::string_view other) {
  return one.size() == other.size() && strncasecmp(one.data(), other.data(), one.size()) == 0;
}

// Of the parameters behind a type: q=0.5
[[nodiscard]] double weight(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view value = take_part(parameters, ';');
    if (!is_same(take_part(value, '='), "q")) continue;
    double number = 0;
    std::from_chars(value.data(), value.data() + value.size(), number);
    return number >= 0 && number <= 1 ? number : 0;
  }
  return 1;
}

}  // namespace

double wanted(std::string_view accept, std::string_view type) {
  double most = 0;
  while (!accept.empty()) {
    std::string_view range = take_part(accept, ',');
    if (is_same(take_part(range, ';'), type)) most = std::max(most, weight(range));
  }
  return most;
}

}  // namespace luna::tool
