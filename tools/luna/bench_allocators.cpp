// SPDX-License-Identifier: MIT
#include "bench_allocators.hpp"

#include "attach_target.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <system_error>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;

// The first file of a name that is found counts; of tbbmalloc, only the proxy replaces malloc.
struct KnownFile {
  const char* name;
  const char* file;
};
constexpr KnownFile kKnown[] = {
    {"jemalloc", "libjemalloc.so.2"},
    {"jemalloc", "libjemalloc.so.1"},
    {"mimalloc", "libmimalloc.so.3"},
    {"mimalloc", "libmimalloc.so.2"},
    {"mimalloc", "libmimalloc.so.1"},
    {"mimalloc-secure", "libmimalloc-secure.so.2"},
    {"tcmalloc", "libtcmalloc_minimal.so.4"},
    {"tcmalloc", "libtcmalloc.so.4"},
    {"tbbmalloc", "libtbbmalloc_proxy.so.2"},
    {"snmalloc", "libsnmallocshim.so"},
    {"rpmalloc", "librpmallocwrap.so"},
    {"scudo", "libscudo.so"},
    {"hardened_malloc", "libhardened_malloc.so"},
    {"hoard", "libhoard.so"},
    {"mesh", "libmesh.so"},
};

[[nodiscard]] bool is_for_this_machine(const fs::path& path) {
  const auto read = [](const fs::path& file, Elf64_Ehdr& header) {
    std::ifstream stream(file, std::ios::binary);
    return stream.read(reinterpret_cast<char*>(&header), sizeof header) &&
           std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) == ELFMAG;
  };
  Elf64_Ehdr own = {};
  Elf64_Ehdr found = {};
  return read("/proc/self/exe", own) && read(path, found) && found.e_type == ET_DYN &&
         found.e_ident[EI_CLASS] == own.e_ident[EI_CLASS] && found.e_machine == own.e_machine;
}

[[nodiscard]] std::string output_of(const char* command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command, "r"), pclose);
  std::string text;
  std::array<char, 4096> part;
  while (pipe != nullptr) {
    const std::size_t bytes = std::fread(part.data(), 1, part.size(), pipe.get());
    if (bytes == 0) break;
    text.append(part.data(), bytes);
  }
  return text;
}

void add_folders(const char* variable, std::vector<fs::path>& folders) {
  const char* const value = std::getenv(variable);
  std::istringstream list(value != nullptr ? value : "");
  for (std::string folder; std::getline(list, folder, ':');)
    if (!folder.empty()) folders.emplace_back(folder);
}

// As the dynamic linker looks: what the user says, what ldconfig knows, and the usual.
[[nodiscard]] std::vector<fs::path> library_folders() {
  std::vector<fs::path> folders;
  add_folders("LD_LIBRARY_PATH", folders);
  std::istringstream cache(output_of("PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null"));
  constexpr std::string_view kArrow = " => ";
  for (std::string line; std::getline(cache, line);) {
    const std::size_t arrow = line.find(kArrow);
    if (arrow == line.npos) continue;
    const fs::path folder = fs::path(line.substr(arrow + kArrow.size())).parent_path();
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  }
  for (const char* const folder : {"/usr/local/lib", "/usr/lib64", "/usr/lib", "/lib"})
    folders.emplace_back(folder);
  return folders;
}

[[nodiscard]] bool is_preloadable_path(const std::string& path) {
  return path.find_first_of(": \t\n") == path.npos;
}

}  // namespace

std::vector<BenchAllocator> find_rivals() {
  const std::vector<fs::path> folders = library_folders();
  std::vector<BenchAllocator> found;
  for (const KnownFile& known : kKnown) {
    const bool is_there = std::any_of(found.begin(), found.end(), [&](const BenchAllocator& one) {
      return one.name == known.name;
    });
    if (is_there) continue;
    for (const fs::path& folder : folders) {
      std::error_code error;
      const fs::path path = fs::canonical(folder / known.file, error);
      if (error || !is_preloadable_path(path) || !is_for_this_machine(path)) continue;
      found.push_back({known.name, path});
      break;
    }
  }
  return found;
}

BenchAllocator read_allocator(const std::string& text) {
  const std::size_t sign = text.find('=');
  if (sign == 0 || sign == text.npos || sign + 1 == text.size())
    throw AttachError(AttachError::kUsage, "--with " + text + ": want NAME=PATH");
  std::error_code error;
  const fs::path path = fs::canonical(text.substr(sign + 1), error);
  if (error)
    throw AttachError(AttachError::kUsage,
                      "--with " + text + ": there is no such file, or it may not be read");
  if (!is_for_this_machine(path))
    throw AttachError(AttachError::kUsage,
                      "--with " + text + ": that is no shared library for this machine");
  if (!is_preloadable_path(path))
    throw AttachError(AttachError::kUsage,
                      path.string() + ": the dynamic linker takes no path with blanks or colons");
  return {text.substr(0, sign), path};
}

}  // namespace luna::tool
