// SPDX-License-Identifier: MIT
// What doctor.hpp tells of the machine and of the limits of a process.
#include "byte_text.hpp"
#include "doctor.hpp"

#include <unistd.h>

#include <algorithm>
#include <sstream>

namespace luna::tool {

namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kGiB = kKiB * kKiB * kKiB;
const std::string kHugePages = "/sys/kernel/mm/transparent_hugepage/enabled";

// Of a file such as "always [madvise] never", what is chosen.
[[nodiscard]] std::string chosen(const std::string& text) {
  const auto begin = text.find('[');
  const auto end = text.find(']', begin);
  if (begin == std::string::npos || end == std::string::npos) return "";
  return text.substr(begin + 1, end - begin - 1);
}

[[nodiscard]] Finding huge_pages(const MachineFiles& files) {
  Finding result{Health::kGood, "huge pages", "", "", ""};
  const std::optional<std::string> text = files.text(kHugePages);
  result.is = text ? chosen(*text) : "none";
  if (result.is == "madvise") {
    result.means = "heaps above huge_pages_above (256 MiB) get them";
  } else if (result.is == "always") {
    result.health = Health::kNote;
    result.means =
        "the kernel gives them to each program; lunalloc keeps small heaps out of them, "
        "other memory of the process does not";
  } else {
    result.health = Health::kMend;
    result.means = "large heaps get small pages alone, and random look-ups in them are slower";
    if (text) result.mend = "echo madvise | sudo tee " + kHugePages;
  }
  return result;
}

// A line such as "CommitLimit:  12345 kB" of /proc/meminfo, in bytes.
[[nodiscard]] std::uint64_t line_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, key.size() + 1, key + ":") != 0) continue;
    std::istringstream words(line.substr(key.size() + 1));
    std::uint64_t kib = 0;
    words >> kib;
    return kib * kKiB;
  }
  return 0;
}

[[nodiscard]] Finding overcommit(const MachineFiles& files) {
  const std::uint64_t mode = files.number("/proc/sys/vm/overcommit_memory").value_or(0);
  Finding result{Health::kGood, "overcommit", "mode " + std::to_string(mode), "", ""};
  if (mode != 2) {
    result.means = "address space that is only reserved costs nothing";
    return result;
  }
  const std::string memory = files.text("/proc/meminfo").value_or("");
  const std::uint64_t limit = line_of(memory, "CommitLimit");
  const std::uint64_t used = line_of(memory, "Committed_AS");
  const bool near = limit != 0 && used > limit - limit / 10;
  result.health = near ? Health::kMend : Health::kNote;
  result.is += ", " + byte_text(used) + " of " + byte_text(limit);
  result.means = "malloc fails when all programs together have asked for so much, used or not";
  if (near) result.mend = "sudo sysctl vm.overcommit_memory=0";
  return result;
}

[[nodiscard]] Finding mappings(const MachineFiles& files) {
  constexpr std::uint64_t kUsual = 65530;
  const std::uint64_t most = files.number("/proc/sys/vm/max_map_count").value_or(kUsual);
  Finding result{Health::kGood, "mappings", std::to_string(most) + " for a process", "", ""};
  result.means = "lunalloc takes one for each arena, and two for each guarded block";
  if (most >= kUsual) return result;
  result.health = Health::kMend;
  result.mend = "sudo sysctl vm.max_map_count=" + std::to_string(kUsual);
  return result;
}

[[nodiscard]] Finding stall_information(const MachineFiles& files) {
  Finding result{Health::kGood, "pressure", "is measured (PSI)", "", ""};
  result.means = "threads that wait for memory make luna_pressure callbacks come at once";
  if (files.exists("/proc/pressure/memory")) return result;
  return {Health::kNote, "pressure", "is not measured (PSI)",
          "callbacks come when a limit is near, which is looked at once a second",
          "add psi=1 to the command line of the kernel, if it was built with CONFIG_PSI"};
}

[[nodiscard]] Finding page_size() {
  const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  Finding result{Health::kGood, "pages", byte_text(bytes), "", ""};
  result.means = "free memory goes back in pieces of this size";
  if (bytes != 4 * kKiB) result.health = Health::kNote;
  return result;
}

[[nodiscard]] Finding attaching(const MachineFiles& files) {
  const std::uint64_t scope = files.number("/proc/sys/kernel/yama/ptrace_scope").value_or(0);
  Finding result{Health::kGood, "attaching", "ptrace_scope " + std::to_string(scope), "", ""};
  result.means = "luna reaches your processes without any option";
  if (scope == 0) return result;
  result.health = Health::kNote;
  result.means = scope == 3 ? "nobody can attach, until the machine starts anew without that"
                            : "luna reaches processes that it did not start only as root";
  if (scope == 1) result.mend = "sudo sysctl kernel.yama.ptrace_scope=0";
  return result;
}

[[nodiscard]] Finding cgroup(const MachineFiles& files, const std::string& process) {
  Finding result{Health::kGood, "cgroup", "no limit", "", ""};
  const std::string cgroups = files.text("/proc/" + process + "/cgroup").value_or("");
  const std::optional<CgroupLimit> found = find_cgroup_limit(files, cgroups);
  if (!found) {
    result.means = "the memory of the machine is the limit";
    return result;
  }
  result.is = byte_text(found->used_bytes) + " of " + byte_text(found->limit_bytes) + " in " +
              found->folder;
  result.means = "lunalloc gives memory back before the kernel kills (pressure_release)";
  if (found->used_bytes < found->limit_bytes - found->limit_bytes / 20) return result;
  result.health = Health::kMend;
  result.means = "the kernel kills a process of it as soon as nothing can be given back";
  result.mend = "raise the limit of that cgroup, or find out who has the memory: luna stats PID";
  return result;
}

// The soft limit of a line of /proc/PID/limits; nothing: unlimited.
[[nodiscard]] std::optional<std::uint64_t> soft_limit(const std::string& limits,
                                                      const std::string& name) {
  std::istringstream lines(limits);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, name.size(), name) != 0) continue;
    std::istringstream words(line.substr(name.size()));
    std::uint64_t bytes = 0;
    if (words >> bytes) return bytes;
  }
  return std::nullopt;
}

[[nodiscard]] Finding resource_limit(const std::string& limits, const std::string& name,
                                     char option) {
  Finding result{Health::kGood, name == "Max address space" ? "address space" : "data", "", "", ""};
  const std::optional<std::uint64_t> bytes = soft_limit(limits, name);
  result.is = bytes ? "limited to " + byte_text(*bytes) : "unlimited";
  result.means = "malloc is not kept from growing";
  if (!bytes) return result;
  result.health = *bytes < kGiB ? Health::kMend : Health::kNote;
  result.means = "malloc fails beyond, however much memory is free";
  if (*bytes < kGiB) result.mend = std::string("ulimit -") + option + " unlimited";
  return result;
}

}  // namespace

std::vector<Finding> examine_machine(const MachineFiles& files) {
  return {huge_pages(files),        overcommit(files), mappings(files),
          stall_information(files), page_size(),       attaching(files)};
}

std::vector<Finding> examine_limits(const MachineFiles& files, const std::string& process) {
  std::vector<Finding> result{cgroup(files, process)};
  const std::string limits = files.text("/proc/" + process + "/limits").value_or("");
  result.push_back(resource_limit(limits, "Max address space", 'v'));
  result.push_back(resource_limit(limits, "Max data size", 'd'));
  const std::optional<std::string> maps = files.text("/proc/" + process + "/maps");
  const std::uint64_t most = files.number("/proc/sys/vm/max_map_count").value_or(0);
  const auto used = maps ? static_cast<std::uint64_t>(std::count(maps->begin(), maps->end(), '\n'))
                         : std::uint64_t{0};
  if (process == "self" || used <= most / 2 || most == 0) return result;
  result.push_back({Health::kMend, "mappings in use",
                    std::to_string(used) + " of " + std::to_string(most),
                    "malloc fails when there can be no more",
                    "sudo sysctl vm.max_map_count=" + std::to_string(4 * most)});
  return result;
}

}  // namespace luna::tool
