// SPDX-License-Identifier: MIT
#include "process_files.hpp"

#include <sys/select.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

namespace luna::tool {

namespace {

namespace fs = std::filesystem;

[[nodiscard]] std::string folder_of(pid_t process) { return "/proc/" + std::to_string(process); }

// Nothing: it is no number.
[[nodiscard]] std::optional<long> number_in(const std::string& text) {
  long number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

// The names in a folder that are numbers, in order; empty where it cannot be read.
[[nodiscard]] std::vector<long> numbers_in(const std::string& folder) {
  std::vector<long> numbers;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (const fs::directory_iterator end; !error && entry != end; entry.increment(error))
    if (const auto number = number_in(entry->path().filename())) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// Of the sockets that the process has, by inode: the descriptor.
[[nodiscard]] std::map<unsigned long, long> sockets_of(pid_t process) {
  std::map<unsigned long, long> sockets;
  const std::string folder = folder_of(process) + "/fd";
  for (const long descriptor : numbers_in(folder)) {
    std::array<char, 64> target{};
    const std::string link = folder + "/" + std::to_string(descriptor);
    unsigned long inode = 0;
    if (readlink(link.c_str(), target.data(), target.size() - 1) > 0 &&
        std::sscanf(target.data(), "socket:[%lu]", &inode) == 1)
      sockets[inode] = descriptor;
  }
  return sockets;
}

[[nodiscard]] bool is_same_file(const std::string& one, const std::string& other) {
  struct stat a {};
  struct stat b {};
  return stat(one.c_str(), &a) == 0 && stat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

// docs/socket.md, "The process".
[[nodiscard]] long first_descriptor_of_library(pid_t process) {
  constexpr unsigned long kMost = FD_SETSIZE;
  constexpr unsigned long kRoom = 64;
  unsigned long limit = kMost;
  std::ifstream file(folder_of(process) + "/limits");
  for (std::string line; std::getline(file, line);)
    if (std::sscanf(line.c_str(), "Max open files %lu", &limit) == 1) break;
  const unsigned long most = std::min(limit, kMost);
  return static_cast<long>(most > 2 * kRoom ? most - kRoom : most / 2);
}

}  // namespace

std::optional<ProcessStatus> read_status(pid_t process) {
  std::ifstream file(folder_of(process) + "/status");
  if (!file) return std::nullopt;
  ProcessStatus status;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string key;
    unsigned long real = 0;
    fields >> key;
    if (key == "Name:") status.name = line.substr(std::min(line.size(), key.size() + 1));
    if (key == "State:") fields >> status.state;
    if (key == "Uid:") fields >> real >> status.user;
    if (key == "Gid:") fields >> real >> status.group;
    if (key == "VmRSS:" && fields >> status.resident_bytes) status.resident_bytes <<= 10;
  }
  return status;
}

std::vector<pid_t> all_processes() {
  const std::vector<long> numbers = numbers_in("/proc");
  return {numbers.begin(), numbers.end()};
}

bool has_thread(pid_t process, std::string_view name) {
  const std::string folder = folder_of(process) + "/task";
  for (const long thread : numbers_in(folder)) {
    std::ifstream file(folder + "/" + std::to_string(thread) + "/comm");
    std::string line;
    if (std::getline(file, line) && line == name) return true;
  }
  return false;
}

// A line: address, count, protocol, flags, type, state, inode, path.
std::vector<std::string> listening_paths(pid_t process) {
  constexpr unsigned long kListens = 1UL << 16;
  const std::map<unsigned long, long> sockets = sockets_of(process);
  const long first = first_descriptor_of_library(process);
  std::vector<std::string> paths;
  std::ifstream file(folder_of(process) + "/net/unix");
  for (std::string line; std::getline(file, line);) {
    unsigned long flags = 0;
    unsigned long inode = 0;
    int path = 0;
    const char* const format = "%*s %*s %*s %lx %*s %*s %lu %n";
    if (std::sscanf(line.c_str(), format, &flags, &inode, &path) != 2) continue;
    const auto socket = sockets.find(inode);
    if ((flags & kListens) != 0 && socket != sockets.end() && socket->second >= first &&
        line[static_cast<std::size_t>(path)] == '/')
      paths.push_back(line.substr(static_cast<std::size_t>(path)));
  }
  return paths;
}

bool sees_the_same_files(pid_t process) {
  const std::string folder = folder_of(process);
  return is_same_file(folder + "/ns/mnt", "/proc/self/ns/mnt") &&
         is_same_file(folder + "/root", "/");
}

std::string seen_from_here(pid_t process, const std::string& path) {
  return sees_the_same_files(process) ? path : folder_of(process) + "/root" + path;
}

}  // namespace luna::tool
