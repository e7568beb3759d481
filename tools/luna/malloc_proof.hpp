// SPDX-License-Identifier: MIT
// Whose malloc a program has called, by what the dynamic linker says of itself: LD_DEBUG=bindings,
// with LD_BIND_NOW.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace luna::tool {

// The file whose malloc the C library of a program got, in its last image if it was several; empty:
// none is told of. `path`: what LD_DEBUG_OUTPUT has made of one process.
[[nodiscard]] std::string malloc_owner(const std::filesystem::path& path);

// Of the processes whose files begin like this: all, and those with this owner.
struct ProvedProcesses {
  std::size_t all = 0;
  std::size_t with_owner = 0;
};
[[nodiscard]] ProvedProcesses count_owners(const std::filesystem::path& folder,
                                           const std::string& begin, const std::string& owner);

// The C library's own.
[[nodiscard]] bool is_c_library(const std::filesystem::path& file);

// Why nothing can be preloaded into a program, as far as its file tells: static, or more rights
// than its caller; empty: it can be, or it is a script. `program` as execvp() takes it. Throws
// AttachError where there is none.
[[nodiscard]] std::string why_not_preloaded(const std::string& program);

}  // namespace luna::tool
