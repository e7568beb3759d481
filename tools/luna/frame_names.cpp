// SPDX-License-Identifier: MIT
#include "frame_names.hpp"

#include "amount_text.hpp"

#include <utility>

namespace luna::tool {

namespace {

[[nodiscard]] bool is_of_system(const std::string& file) {
  return file.starts_with("/usr/include/") || file.starts_with("/usr/lib/");
}

}  // namespace

std::string_view base_name(std::string_view path) noexcept {
  return path.substr(path.rfind('/') + 1);
}

std::string place_in_module(const HeapProfile& profile, const HeapProfile::Location& location) {
  if (location.mapping == HeapProfile::kNone) return "[anon]+" + hex_text(location.address);
  const HeapProfile::Mapping& mapping = profile.mappings[location.mapping];
  const std::uint64_t bias = mapping.bias.value_or(mapping.begin - mapping.file_offset);
  return std::string(base_name(mapping.path)) + "+" + hex_text(location.address - bias);
}

std::string responsible_place(const HeapProfile& profile, const HeapProfile::Sample& sample) {
  std::string first;
  for (const std::uint32_t number : profile.stack_of(sample)) {
    const HeapProfile::Location& location = profile.locations[number];
    if (first.empty() && location.lines.empty()) first = place_in_module(profile, location);
    for (const HeapProfile::Line& line : location.lines) {
      const HeapProfile::Function& function = profile.functions[line.function];
      if (first.empty()) first = function.name;
      if (function.file.empty() || line.line == 0 || is_of_system(function.file)) continue;
      return function.name + " at " + std::string(base_name(function.file)) + ":" +
             std::to_string(line.line);
    }
  }
  return first.empty() ? "no stack" : first;
}

std::vector<std::uint32_t> FrameNames::add(const HeapProfile& profile) {
  std::vector<std::uint32_t> begins;
  begins.reserve(profile.locations.size() + 1);
  for (const HeapProfile::Location& location : profile.locations) {
    begins.push_back(static_cast<std::uint32_t>(of_locations_.size()));
    for (const HeapProfile::Line& line : location.lines)
      of_locations_.push_back(number_of(profile.functions[line.function].name));
    if (location.lines.empty())
      of_locations_.push_back(number_of(place_in_module(profile, location)));
  }
  begins.push_back(static_cast<std::uint32_t>(of_locations_.size()));
  return begins;
}

std::uint32_t FrameNames::number_of(std::string text) {
  const auto next = static_cast<std::uint32_t>(texts_.size());
  const auto [found, is_new] = numbers_.try_emplace(std::move(text), next);
  if (is_new) texts_.push_back(&found->first);
  return found->second;
}

}  // namespace luna::tool
