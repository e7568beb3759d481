// SPDX-License-Identifier: MIT
// Files of profiles and of leaks: their names by the option profile_file, and the memory to
// write them with.
#pragma once

#include "os/file_output.hpp"

#include <array>
#include <climits>
#include <string_view>

namespace luna {

// A line on stderr: lunalloc: what: why
void complain(std::string_view what, std::string_view why) noexcept;

using ProfilePath = std::array<char, PATH_MAX>;

// The path that a pattern stands for now; empty: it is wrong, and stderr says so, with the
// name of the option.
[[nodiscard]] std::string_view expand_path(std::string_view pattern, std::string_view option,
                                           ProfilePath& path) noexcept;

// The path that the option profile_file stands for now, with this ending; empty: the option
// is wrong, and stderr says so.
[[nodiscard]] std::string_view expand_profile_path(std::string_view ending,
                                                   ProfilePath& path) noexcept;

// A file, and its path, whose buffers would be too much for the stack of a small thread.
struct MappedOutput {
  MappedOutput() noexcept;
  ~MappedOutput();
  MappedOutput(const MappedOutput&) = delete;
  MappedOutput& operator=(const MappedOutput&) = delete;

  ProfilePath* path = nullptr;
  os::FileOutput* file = nullptr;  // nullptr: there is no memory

 private:
  void* memory_;
};

}  // namespace luna
