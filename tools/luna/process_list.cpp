// SPDX-License-Identifier: MIT
#include "process_list.hpp"

#include "attach_target.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace luna::tool {

namespace {

constexpr std::string_view kLibrary = "liblunalloc";
constexpr std::string_view kServer = "lunalloc-http";

// The path of the library, by the name of its file.
[[nodiscard]] std::string find_library(pid_t process) {
  std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    const std::size_t name = line.rfind('/');
    if (path != line.npos && std::string_view(line).substr(name + 1).starts_with(kLibrary))
      return line.substr(path);
  }
  return {};
}

[[nodiscard]] bool is_named(const LunaProcess& process, const std::string& name) {
  if (process.status.name == name) return true;
  std::error_code error;
  const auto program =
      std::filesystem::read_symlink("/proc/" + std::to_string(process.number) + "/exe", error);
  return !error && program.filename() == name;
}

[[nodiscard]] bool is_number(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char letter) { return std::isdigit(letter) != 0; });
}

[[nodiscard]] pid_t read_number(const std::string& text) {
  pid_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && number > 0) return number;
  throw AttachError(AttachError::kUsage, text + " is no number of a process");
}

}  // namespace

std::optional<LunaProcess> look_at(pid_t process) {
  auto status = read_status(process);
  if (!status) return std::nullopt;
  LunaProcess found = {process, *std::move(status), find_library(process), {}, false};
  try {
    static_cast<void>(AttachTarget(process));
  } catch (const AttachError& error) {
    if (found.image.empty()) return std::nullopt;
    found.unreachable = error.what();
  }
  found.serves = has_thread(process, kServer) && !listening_paths(process).empty();
  return found;
}

std::vector<LunaProcess> processes_on_lunalloc() {
  std::vector<LunaProcess> found;
  for (const pid_t process : all_processes()) {
    const auto status = read_status(process);
    const bool is_ours = status && (geteuid() == 0 || status->user == geteuid());
    if (!is_ours || process == getpid()) continue;
    if (auto known = look_at(process)) found.push_back(*std::move(known));
  }
  return found;
}

pid_t find_process(const std::string& number_or_name) {
  if (is_number(number_or_name)) return read_number(number_or_name);
  constexpr std::size_t kMostTold = 10;
  std::vector<pid_t> found;
  std::string list;
  for (const LunaProcess& process : processes_on_lunalloc()) {
    if (!is_named(process, number_or_name)) continue;
    found.push_back(process.number);
    if (found.size() <= kMostTold)
      list += (list.empty() ? "" : ", ") + std::to_string(process.number);
    if (found.size() == kMostTold + 1) list += ", …";
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw AttachError(
        AttachError::kUnreachable,
        "no process named " + number_or_name + " runs on lunalloc; `luna ps` lists those that do");
  throw AttachError(AttachError::kUsage, std::to_string(found.size()) + " processes are named " +
                                             number_or_name + ": say which of " + list);
}

}  // namespace luna::tool
