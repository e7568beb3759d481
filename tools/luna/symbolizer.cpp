// SPDX-License-Identifier: MIT
#include "symbolizer.hpp"

#include "demangle.hpp"

#include <algorithm>

namespace luna::tool {

// A file may be mapped more than once: it is opened once for all.
void Symbolizer::name_frames(HeapProfile& profile) {
  std::vector<std::vector<std::uint32_t>> locations(profile.mappings.size());
  for (std::uint32_t i = 0; i < profile.locations.size(); ++i) {
    const HeapProfile::Location& location = profile.locations[i];
    if (location.mapping != HeapProfile::kNone && location.lines.empty())
      locations[location.mapping].push_back(i);
  }
  std::map<FileKey, std::vector<std::uint32_t>> files;
  for (std::uint32_t i = 0; i < profile.mappings.size(); ++i) {
    const HeapProfile::Mapping& mapping = profile.mappings[i];
    // The kernel's own, such as [vdso], have no file.
    if (!locations[i].empty() && mapping.path.starts_with('/'))
      files[{mapping.path, mapping.build_id}].push_back(i);
  }
  there_.clear();
  for (const auto& [key, mappings] : files) name_file(profile, mappings, locations);
}

void Symbolizer::name_file(HeapProfile& profile, const std::vector<std::uint32_t>& mappings,
                           const std::vector<std::vector<std::uint32_t>>& locations) {
  const HeapProfile::Mapping& first = profile.mappings[mappings[0]];
  WantedFile wanted = {first.path, first.build_id, profile.began_ns};
  if (seek_) seek_(wanted);
  File& file =
      files_.try_emplace({first.path, first.build_id}, wanted, debug_folder_).first->second;
  if (!file.symbols.is_open()) {
    unnamed_[first.path] = file.symbols.why_not();
    return;
  }
  std::vector<Asked> asked;
  for (const std::uint32_t place : mappings) {
    HeapProfile::Mapping& mapping = profile.mappings[place];
    if (!mapping.bias) {
      const auto begin = file.symbols.address_of(mapping.file_offset);
      if (!begin) continue;
      mapping.bias = mapping.begin - *begin;
    }
    for (const std::uint32_t location : locations[place])
      asked.push_back({profile.locations[location].address - *mapping.bias, location});
  }
  name_unknown(file, asked);
  for (const Asked& one : asked)
    profile.locations[one.location].lines = lines_for(file.lines[one.address], profile);
}

// By rising addresses, as is fast.
void Symbolizer::name_unknown(File& file, std::vector<Asked>& asked) {
  std::sort(asked.begin(), asked.end(),
            [](const Asked& one, const Asked& other) { return one.address < other.address; });
  for (const Asked& one : asked) {
    const auto [found, is_new] = file.lines.try_emplace(one.address);
    if (!is_new) continue;
    for (const SourceFrame& frame : file.symbols.frames_at(one.address))
      found->second.push_back({place_of(frame), frame.line});
  }
}

std::uint32_t Symbolizer::place_of(const SourceFrame& frame) {
  std::string key(frame.function);
  key.append(1, '\0').append(frame.file);
  const auto next = static_cast<std::uint32_t>(functions_.size());
  const auto [found, is_new] = places_.try_emplace(std::move(key), next);
  if (is_new)
    functions_.push_back({demangled(std::string(frame.function)), std::string(frame.file)});
  return found->second;
}

Symbolizer::Lines Symbolizer::lines_for(const Lines& lines, HeapProfile& profile) {
  Lines result;
  for (const HeapProfile::Line& line : lines) {
    const auto next = static_cast<std::uint32_t>(profile.functions.size());
    const auto [found, is_new] = there_.try_emplace(line.function, next);
    if (is_new) profile.functions.push_back(functions_[line.function]);
    result.push_back({found->second, line.line});
  }
  return result;
}

}  // namespace luna::tool
