// SPDX-License-Identifier: MIT
#include "json_values.hpp"

#include <algorithm>
#include <charconv>

namespace luna::tool {

using Json = nlohmann::ordered_json;

std::string text_in(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return 0;
  return found->is_number_unsigned() ? static_cast<std::int64_t>(std::min<std::uint64_t>(
                                           found->get<std::uint64_t>(), INT64_MAX))
                                     : found->get<std::int64_t>();
}

double real_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return 0;
  return std::clamp(found->get<double>(), 0.0, 1.0);
}

bool is_true_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

std::uint64_t address_in(const Json& object, const char* key) {
  const std::string digits = text_in(object, key);
  std::uint64_t address = 0;
  if (digits.starts_with("0x"))
    std::from_chars(digits.data() + 2, digits.data() + digits.size(), address, 16);
  return address;
}

}  // namespace luna::tool
