// SPDX-License-Identifier: MIT
// What objects of a file in JSON have, which may be anything.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>

namespace luna::tool {

// The value of a key; 0, false or empty where there is none of that type.
[[nodiscard]] std::string text_in(const nlohmann::ordered_json& object, const char* key);
[[nodiscard]] std::int64_t number_in(const nlohmann::ordered_json& object, const char* key);
[[nodiscard]] double real_in(const nlohmann::ordered_json& object, const char* key);
// That of a text such as "0x7f00".
[[nodiscard]] std::uint64_t address_in(const nlohmann::ordered_json& object, const char* key);
[[nodiscard]] bool is_true_in(const nlohmann::ordered_json& object, const char* key);

}  // namespace luna::tool
