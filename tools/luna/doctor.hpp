// SPDX-License-Identifier: MIT
// What of a machine, or of a process, stands in the way of lunalloc: each finding says what it
// means, and the command that mends it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

enum class Health {
  kGood,
  kNote,  // works, but differently from elsewhere
  kMend
};

struct Finding {
  Health health = Health::kGood;
  std::string what;   // a short name, such as "huge pages"
  std::string is;     // how it is
  std::string means;  // for lunalloc and the program
  std::string mend;   // a command for a shell; empty: nothing has to be done
};

// Reads files below a folder, which is the root, or in tests a tree that looks like it.
class MachineFiles {
 public:
  explicit MachineFiles(std::filesystem::path root) : root_(std::move(root)) {}

  // The whole file, up to 1 MiB; nothing: it cannot be read.
  [[nodiscard]] std::optional<std::string> text(const std::string& path) const;

  // The number that a file begins with.
  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& path) const;

  [[nodiscard]] bool exists(const std::string& path) const;

 private:
  std::filesystem::path root_;
};

// The smallest limit of a cgroup and of those above it.
struct CgroupLimit {
  std::string folder;  // of the cgroup that has it
  std::uint64_t limit_bytes = 0;
  std::uint64_t used_bytes = 0;
};

// `cgroups`: the contents of /proc/PID/cgroup. Nothing: there is no limit.
[[nodiscard]] std::optional<CgroupLimit> find_cgroup_limit(const MachineFiles& files,
                                                           const std::string& cgroups);

// `process`: as in /proc; "self" is luna itself, whose limits are those of the shell that it was
// called from.
[[nodiscard]] std::vector<Finding> examine_machine(const MachineFiles& files);
[[nodiscard]] std::vector<Finding> examine_limits(const MachineFiles& files,
                                                  const std::string& process);

// Whether lunalloc is in a process, and if not what kept it out.
[[nodiscard]] std::vector<Finding> examine_preload(pid_t process);

}  // namespace luna::tool
