// SPDX-License-Identifier: MIT
#include "os/modules.hpp"

#include "base/format.hpp"

namespace luna::os {

namespace {

constexpr std::string_view kVdso = "[vdso]";

[[nodiscard]] bool is_of_module(const MapsLine& line) noexcept {
  return line.name.starts_with('/') || line.name == kVdso;
}

// The name as it was before the kernel said that the file is gone.
[[nodiscard]] std::string_view path_of(const MapsLine& line) noexcept {
  constexpr std::string_view kDeleted = " (deleted)";
  if (!line.name.ends_with(kDeleted)) return line.name;
  return part_of(line.name, 0, line.name.size() - kDeleted.size());
}

}  // namespace

bool ModuleReader::next(Module& module) noexcept {
  for (MapsLine line; maps_.next(line);) {
    if (!is_of_module(line)) continue;
    note_file(line);
    if (line.permissions.size() < 3 || line.permissions[2] != 'x') continue;
    describe(line, module);
    return true;
  }
  return false;
}

// A file may be mapped more than once: each time it begins again with offset 0.
void ModuleReader::note_file(const MapsLine& line) noexcept {
  const bool is_same = line.inode == lowest_.inode && line.device == lowest_.device;
  if (is_same && line.inode != 0 && line.offset != 0) return;
  lowest_ = {line.begin, line.end, {}, line.offset, line.device, line.inode, {}};
  const bool has_header = line.offset == 0 && line.permissions.starts_with('r');
  if (!has_header) lowest_.end = line.begin;
}

void ModuleReader::describe(const MapsLine& line, Module& module) noexcept {
  const ElfImage image(lowest_.begin, lowest_.end);
  module.begin = line.begin;
  module.end = line.end;
  module.file_offset = line.offset;
  module.bias = line.begin - image.symbol_address(line.offset);
  module.path = path_of(line);
  module.build_id = image.build_id(build_id_);
}

}  // namespace luna::os
