// SPDX-License-Identifier: MIT
#include "doctor.hpp"

#include <charconv>
#include <fstream>
#include <sstream>
#include <system_error>

namespace luna::tool {

namespace {

// Of version 1 a limit that is none is the largest number of whole pages.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 62;

// Where the memory of a cgroup is limited: one or two files of it, and the one that says the use.
struct Version {
  std::string mount;
  std::vector<std::string> limits;
  std::string use;
};

// The path in the line of a hierarchy of /proc/PID/cgroup, "number:controllers:path".
[[nodiscard]] std::optional<std::string> path_of(const std::string& cgroups,
                                                 const std::string& controller) {
  std::istringstream lines(cgroups);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::istringstream controllers(line.substr(first + 1, second - first - 1));
    std::string one;
    do {
      std::getline(controllers, one, ',');
      if (one == controller) return line.substr(second + 1);
    } while (controllers);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> MachineFiles::text(const std::string& path) const {
  constexpr std::size_t kMostBytes = 1U << 20;
  std::ifstream file(root_ / path.substr(1), std::ios::binary);
  if (!file) return std::nullopt;
  std::string result(kMostBytes, '\0');
  file.read(result.data(), static_cast<std::streamsize>(result.size()));
  if (file.bad()) return std::nullopt;
  result.resize(static_cast<std::size_t>(file.gcount()));
  return result;
}

std::optional<std::uint64_t> MachineFiles::number(const std::string& path) const {
  const std::optional<std::string> all = text(path);
  std::uint64_t value = 0;
  if (!all) return std::nullopt;
  const auto result = std::from_chars(all->data(), all->data() + all->size(), value);
  if (result.ec != std::errc{}) return std::nullopt;
  return value;
}

bool MachineFiles::exists(const std::string& path) const {
  std::error_code error;
  return std::filesystem::exists(root_ / path.substr(1), error);
}

std::optional<CgroupLimit> find_cgroup_limit(const MachineFiles& files,
                                             const std::string& cgroups) {
  Version version{"/sys/fs/cgroup", {"memory.max", "memory.high"}, "memory.current"};
  std::optional<std::string> path = path_of(cgroups, "memory");
  if (path) {
    version = {"/sys/fs/cgroup/memory", {"memory.limit_in_bytes"}, "memory.usage_in_bytes"};
  } else {
    path = path_of(cgroups, "");
  }
  std::optional<CgroupLimit> least;
  while (path && !path->empty() && path->front() == '/') {
    const std::string folder = version.mount + (*path == "/" ? "" : *path);
    for (const std::string& name : version.limits) {
      const std::optional<std::uint64_t> limit = files.number(folder + "/" + name);
      if (!limit || *limit >= kNoLimit || (least && least->limit_bytes <= *limit)) continue;
      const std::uint64_t used = files.number(folder + "/" + version.use).value_or(0);
      least = CgroupLimit{folder, *limit, used};
    }
    if (*path == "/") break;
    path->erase(path->rfind('/'));
    if (path->empty()) path->push_back('/');
  }
  return least;
}

}  // namespace luna::tool
