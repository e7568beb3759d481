// SPDX-License-Identifier: MIT
// Names of profile files, made from a pattern that the user gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

struct FileNameParts {
  std::uint64_t process = 0;        // %p
  std::string_view host;            // %h
  std::string_view program;         // %e
  std::uint64_t epoch_seconds = 0;  // %t
  std::uint64_t sequence = 0;       // %n, four digits or more
};

struct FileName {
  std::string_view name;   // in the caller's buffer; empty: see `error`
  std::string_view error;  // what is wrong with the pattern; empty: nothing
};

// %% stands for a percent sign. A slash in a part becomes _: only the pattern names folders.
[[nodiscard]] FileName expand_file_name(std::string_view pattern, const FileNameParts& parts,
                                        char* buffer, std::size_t capacity) noexcept;

}  // namespace luna
