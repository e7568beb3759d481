// SPDX-License-Identifier: MIT
#include "build_id_search.hpp"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <memory>
#include <vector>

namespace luna::tool {

namespace {

constexpr std::size_t kShownDigits = 12;  // of a build-id, as far as they tell one from another

struct EndElf {
  void operator()(Elf* elf) const noexcept { elf_end(elf); }
};
struct EndSession {
  void operator()(Dwfl* session) const noexcept { dwfl_end(session); }
};
using Bytes = std::vector<unsigned char>;

[[nodiscard]] Bytes bytes_of(const std::string& digits) {
  Bytes bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    std::from_chars(&digits[2 * i], &digits[2 * i] + 2, bytes[i], 16);
  return bytes;
}

// Empty: it has none, or is no ELF file.
[[nodiscard]] std::string build_id_of(int file) {
  elf_version(EV_CURRENT);
  const std::unique_ptr<Elf, EndElf> elf(elf_begin(file, ELF_C_READ_MMAP, nullptr));
  const void* bits = nullptr;
  const ssize_t bytes = elf != nullptr ? dwelf_elf_gnu_build_id(elf.get(), &bits) : -1;
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (ssize_t i = 0; i < bytes; ++i) {
    const unsigned byte = static_cast<const unsigned char*>(bits)[i];
    text.append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
  return text;
}

[[nodiscard]] bool is_changed_after(const struct stat& status, std::uint64_t time_ns) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  return time_ns != 0 && static_cast<std::uint64_t>(status.st_mtim.tv_sec) > time_ns / kSecond;
}

// -1: it is not there, or is another file. Waits for nobody, as a pipe would.
[[nodiscard]] int open_by_path(const WantedFile& wanted, const std::string& path,
                               std::string& why_not) {
  const int file = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  struct stat status {};
  if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    why_not = "is not there";
  } else if (wanted.build_id.empty()) {
    if (!is_changed_after(status, wanted.before_ns)) return file;
    why_not = "was changed since the profile began, and has no build-id to compare";
  } else {
    const std::string build_id = build_id_of(file);
    if (build_id == wanted.build_id) return file;
    why_not = "is another file than that of the profile: its build-id is " +
              (build_id.empty() ? "missing" : build_id.substr(0, kShownDigits)) + ", not " +
              wanted.build_id.substr(0, kShownDigits);
  }
  if (file >= 0) close(file);
  return -1;
}

// Asks libdwfl, which knows the folders of debug files and the servers.
[[nodiscard]] int open_by_build_id(const WantedFile& wanted, const Dwfl_Callbacks& callbacks) {
  const Bytes bits = bytes_of(wanted.build_id);
  const std::unique_ptr<Dwfl, EndSession> session(dwfl_begin(&callbacks));
  dwfl_report_begin(session.get());
  Dwfl_Module* const module = dwfl_report_module(session.get(), wanted.path.c_str(), 0, 1);
  if (module == nullptr || bits.empty() ||
      dwfl_module_report_build_id(module, bits.data(), bits.size(), 0) != 0)
    return -1;
  char* name = nullptr;
  Elf* elf = nullptr;
  const char* const path = wanted.path.c_str();
  int file = dwfl_build_id_find_elf(module, nullptr, path, 0, &name, &elf);
  if (file < 0)
    file = dwfl_standard_find_debuginfo(module, nullptr, path, 0, nullptr, nullptr, 0, &name);
  std::free(name);
  if (elf != nullptr) elf_end(elf);
  if (file >= 0 && build_id_of(file) == wanted.build_id) return file;
  if (file >= 0) close(file);
  return -1;
}

}  // namespace

// The folder is an absolute path there, which a search by build-id asks for.
std::string debug_path(const std::string& folder) {
  return (folder.empty() ? "" : folder + ":") + ":.debug:/usr/lib/debug";
}

int find_file(const WantedFile& wanted, const Dwfl_Callbacks& callbacks, std::string& why_not) {
  int file = open_by_path(wanted, wanted.path, why_not);
  std::string ignored;  // what counts is why it is not where it was
  for (const std::string& path : wanted.other_paths)
    if (file < 0) file = open_by_path(wanted, path, ignored);
  if (file < 0) file = open_by_build_id(wanted, callbacks);
  if (file >= 0) why_not.clear();
  return file;
}

}  // namespace luna::tool
