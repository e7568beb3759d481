// SPDX-License-Identifier: MIT
// The program, its libraries and the vdso as they lie in memory: what is needed to find
// the names of functions later and elsewhere.
#pragma once

#include "os/elf_image.hpp"
#include "os/process_maps.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna::os {

// One executable mapping of a file.
struct Module {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::uint64_t file_offset = 0;  // of the byte at `begin`
  // What the loader added to the addresses in the file: subtract it from an address here,
  // and tools that read the file understand it.
  std::uintptr_t bias = 0;
  std::string_view path;      // also of a file deleted since; or [vdso]
  std::string_view build_id;  // in hexadecimal digits; empty: it has none
};

// Goes through them by rising address. Slow: system calls. Large (4.5 KiB): mind the stack.
class ModuleReader {
 public:
  // False after the last one. The texts of a module are good until the next call.
  [[nodiscard]] bool next(Module& module) noexcept;

 private:
  void note_file(const MapsLine& line) noexcept;
  void describe(const MapsLine& line, Module& module) noexcept;

  static constexpr std::size_t kLongestLine = 4096 + 128;  // the longest path, and the rest

  std::array<char, kLongestLine> buffer_;
  MapsReader maps_{buffer_.data(), buffer_.size()};
  BuildIdText build_id_;
  // The lowest mapping of the file at hand; of one that cannot be read, empty.
  MapsLine lowest_;
};

// Calls visit(const Module&) for each.
template <typename Visit>
void for_each_module(Visit visit) noexcept {
  ModuleReader modules;
  for (Module module; modules.next(module);) visit(static_cast<const Module&>(module));
}

}  // namespace luna::os
