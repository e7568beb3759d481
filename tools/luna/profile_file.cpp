// SPDX-License-Identifier: MIT
#include "profile_file.hpp"

#include "printable.hpp"
#include "profile_output.hpp"
#include "profile_reader.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <new>
#include <system_error>

namespace luna::tool {

namespace {

constexpr std::size_t kMostToldOf = 10;  // files without names

[[nodiscard]] std::string error_text() { return std::generic_category().message(errno); }

[[nodiscard]] int profile(const FileArguments& arguments) {
  refuse_terminal(arguments);
  HeapProfile profile = read_profile_of(arguments.file);
  const ProfileView view = choose_view_of(arguments.file, profile, arguments.type);
  Symbolizer symbolizer(arguments.debug_folder);
  return print_profile(profile, view, symbolizer, arguments);
}

}  // namespace

int profile_file(const FileArguments& arguments) {
  return run_or_complain([&] { return profile(arguments); });
}

int print_profile(HeapProfile& profile, const ProfileView& view, Symbolizer& symbolizer,
                  const FileArguments& arguments) {
  symbolizer.name_frames(profile);
  write_output(arguments, [&](std::ostream& out) {
    if (arguments.format == "collapsed") {
      write_profile_collapsed(profile, view, out);
    } else if (arguments.format == "json") {
      write_profile_json(profile, view, out);
    } else if (arguments.format == "pprof") {
      write_profile_pprof(profile, view, out);
    } else {
      write_profile_text(profile, view, arguments.rows, out);
    }
  });
  tell_unnamed(symbolizer);
  return status_of(arguments.file, profile.cut);
}

void refuse_terminal(const FileArguments& arguments) {
  if (arguments.format == "pprof" && arguments.out.empty() && isatty(STDOUT_FILENO) == 1)
    throw ProfileError(ProfileError::kUsage,
                       "a profile for pprof is not for a terminal; name a file with -o");
}

HeapProfile read_profile_of(const std::string& path) {
  try {
    return read_profile(path);
  } catch (const ProfileError& error) {
    throw ProfileError(error.status(), path + ": " + error.what());
  }
}

ProfileView choose_view_of(const std::string& path, const HeapProfile& profile,
                           const std::string& type) {
  try {
    return choose_view(profile, type);
  } catch (const ProfileError& error) {
    throw ProfileError(error.status(), path + ": " + error.what());
  }
}

// A profile tells of paths and functions, which is nobody else's business: it is the owner's alone,
// as those that the library writes are.
void write_output(const FileArguments& arguments, const std::function<void(std::ostream&)>& write) {
  if (arguments.out.empty()) {
    write(std::cout);
    if (!std::cout.flush())
      throw ProfileError(ProfileError::kCannotOpen, "cannot write all of it: " + error_text());
    return;
  }
  std::error_code ignored;
  for (const std::string& read : {arguments.file, arguments.other})
    if (std::filesystem::equivalent(arguments.out, read, ignored))
      throw ProfileError(ProfileError::kUsage,
                         arguments.out + ": it would be written over; name another file with -o");
  constexpr mode_t kOwnerOnly = 0600;
  const int made = open(arguments.out.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (made >= 0) close(made);
  std::ofstream file(arguments.out, std::ios::binary | std::ios::trunc);
  if (made < 0 || !file)
    throw ProfileError(ProfileError::kCannotOpen,
                       arguments.out + ": " + error_text() + "; name another file with -o");
  write(file);
  if (!file.flush())
    throw ProfileError(ProfileError::kCannotOpen,
                       arguments.out + ": cannot write all of it: " + error_text());
}

void tell_unnamed(const Symbolizer& symbolizer) {
  std::size_t told = 0;
  for (const auto& [path, why] : symbolizer.unnamed()) {
    if (told == kMostToldOf) {
      std::cerr << "luna: and " << symbolizer.unnamed().size() - told << " more without names\n";
      return;
    }
    std::cerr << "luna: " << printable(path) << " " << printable(why)
              << "; its functions have no names\n";
    ++told;
  }
}

int status_of(const std::string& path, const std::string& cut) {
  if (cut.empty()) return ProfileError::kDone;
  std::cerr << "luna: " << printable(path) << ": " << printable(cut)
            << "; what was before is told\n";
  return ProfileError::kCutShort;
}

int run_or_complain(const std::function<int()>& run) {
  try {
    return run();
  } catch (const ProfileError& error) {
    std::cerr << "luna: " << printable(error.what()) << '\n';
    return error.status();
  } catch (const std::bad_alloc&) {
    std::cerr << "luna: there is no memory for all that the file says\n";
    return ProfileError::kNoProfile;
  }
}

}  // namespace luna::tool
