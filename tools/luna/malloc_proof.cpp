// SPDX-License-Identifier: MIT
#include "malloc_proof.hpp"

#include "attach_target.hpp"

#include <elf.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;

// As execvp() looks for it; empty: there is none.
[[nodiscard]] fs::path find_program(const std::string& name) {
  if (name.find('/') != name.npos) return fs::exists(name) ? fs::path(name) : fs::path();
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/bin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
    std::error_code error;
    if (fs::is_regular_file(candidate, error) && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return {};
}

// Of a 64-bit program of ELF; others are not decided on.
[[nodiscard]] bool is_static(const fs::path& program) {
  std::ifstream file(program, std::ios::binary);
  Elf64_Ehdr header = {};
  if (!file.read(reinterpret_cast<char*>(&header), sizeof header) ||
      std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) != ELFMAG ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr))
    return false;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr part = {};
    file.seekg(static_cast<std::streamoff>(header.e_phoff + i * sizeof part));
    if (!file.read(reinterpret_cast<char*>(&part), sizeof part)) return false;
    if (part.p_type == PT_INTERP) return false;
  }
  return true;
}

[[nodiscard]] bool has_more_rights(const fs::path& program) {
  struct stat status {};
  if (stat(program.c_str(), &status) != 0) return false;
  const bool changes_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid();
  const bool changes_group = (status.st_mode & S_ISGID) != 0 && status.st_gid != getegid();
  const bool has_capability =
      geteuid() != 0 && getxattr(program.c_str(), "security.capability", nullptr, 0) > 0;
  return changes_user || changes_group || has_capability;
}

}  // namespace

// A line: number, "binding file FROM [0] to WHOSE [0]: normal symbol `malloc'" and a version. A
// program (no library) at fixed addresses that takes that of malloc stands between the two.
std::string malloc_owner(const fs::path& path) {
  constexpr std::string_view kFrom = "binding file ";
  constexpr std::string_view kTo = " [0] to ";
  constexpr std::string_view kSymbol = " [0]: normal symbol `malloc'";
  std::ifstream file(path);
  std::map<std::string, std::string> owners;  // of the malloc that a file calls
  std::string owner;
  for (std::string line; std::getline(file, line);) {
    const std::size_t symbol = line.find(kSymbol);
    const std::size_t from = line.find(kFrom);
    const std::size_t to = line.find(kTo);
    if (symbol == line.npos || from == line.npos || to == line.npos || to > symbol) continue;
    const std::size_t begin = from + kFrom.size();
    const std::string user = line.substr(begin, to - begin);
    const std::string whose = line.substr(to + kTo.size(), symbol - to - kTo.size());
    if (whose != user) owners[user] = whose;
    if (is_c_library(user)) owner = whose;
  }
  const auto next = owners.find(owner);
  const bool is_library = owner.find(".so") != owner.npos;
  return is_library || next == owners.end() ? owner : next->second;
}

ProvedProcesses count_owners(const fs::path& folder, const std::string& begin,
                             const std::string& owner) {
  ProvedProcesses count;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.path().filename().string().starts_with(begin)) continue;
    ++count.all;
    count.with_owner += malloc_owner(entry.path()) == owner ? 1 : 0;
  }
  return count;
}

bool is_c_library(const fs::path& file) {
  const std::string name = file.filename();
  return name == "libc.so.6" || name.starts_with("libc-2.");
}

std::string why_not_preloaded(const std::string& program) {
  const fs::path file = find_program(program);
  if (file.empty()) throw AttachError(AttachError::kUsage, program + ": there is no such program");
  if (has_more_rights(file))
    return file.string() +
           " runs with more rights than its caller (setuid, setgid, capabilities), so that nothing "
           "is preloaded: run it as the user whose rights it gets";
  if (is_static(file))
    return file.string() +
           " is a static program, into which nothing is preloaded: link it "
           "dynamically";
  return {};
}

}  // namespace luna::tool
