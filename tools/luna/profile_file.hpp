// SPDX-License-Identifier: MIT
// `luna profile`, `luna diff` and `luna leaks` on files, and how they print what a process says.
// docs/profile-files.md.
#pragma once

#include "heap_profile.hpp"
#include "profile_view.hpp"
#include "symbolizer.hpp"

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>

namespace luna::tool {

struct LeakFile;  // leak_report.hpp

struct FileArguments {
  std::string file;   // or what messages call the process
  std::string other;  // of `luna diff`, the later one
  std::string out;    // empty: the standard output
  std::string type;   // empty: what the file is of
  std::string format = "text";
  std::string debug_folder;
  std::size_t rows = 20;
};

// Each prints what it is asked for, or complains in a line, and returns what the program ends with:
// a ProfileError::Status.
[[nodiscard]] int profile_file(const FileArguments& arguments);
[[nodiscard]] int diff_files(const FileArguments& arguments);
[[nodiscard]] int leaks_file(const FileArguments& arguments);

// Give names to the frames, print what is asked for, and tell on stderr of what has no names and of
// what is missing. They return a ProfileError::Status, or throw ProfileError.
[[nodiscard]] int print_profile(HeapProfile& profile, const ProfileView& view,
                                Symbolizer& symbolizer, const FileArguments& arguments);
[[nodiscard]] int print_leaks(LeakFile& report, Symbolizer& symbolizer,
                              const FileArguments& arguments);

// Throws ProfileError (kUsage): what would be written is not for a terminal, and there is one.
void refuse_terminal(const FileArguments& arguments);

// What the three have in common.

// As the functions without `_of`, with the path in the messages of ProfileError.
[[nodiscard]] HeapProfile read_profile_of(const std::string& path);
[[nodiscard]] ProfileView choose_view_of(const std::string& path, const HeapProfile& profile,
                                         const std::string& type);

// Calls write(out) with the file that was asked for, or the standard output. Throws ProfileError.
void write_output(const FileArguments& arguments, const std::function<void(std::ostream&)>& write);

// A line on stderr for each file without names.
void tell_unnamed(const Symbolizer& symbolizer);

// The status of a profile that was read, which is told of on stderr if it was cut short.
[[nodiscard]] int status_of(const std::string& path, const std::string& cut);

// Calls run(), and turns ProfileError into a line on stderr and a status.
[[nodiscard]] int run_or_complain(const std::function<int()>& run);

}  // namespace luna::tool
