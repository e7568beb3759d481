// SPDX-License-Identifier: MIT
// What /proc tells of a process. All of it may be gone, or of another process, a moment later.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

struct ProcessStatus {
  std::string name;  // of its first thread; not for a terminal as it is
  char state = '?';  // R, S, D, T, t, Z …
  uid_t user = 0;    // that it acts for
  gid_t group = 0;
  std::uint64_t resident_bytes = 0;
};

// Nothing: there is no such process.
[[nodiscard]] std::optional<ProcessStatus> read_status(pid_t process);

// By number.
[[nodiscard]] std::vector<pid_t> all_processes();

[[nodiscard]] bool has_thread(pid_t process, std::string_view name);

// Where it listens at unix sockets with descriptors of such numbers as the library takes, which
// programs hardly reach, as it sees the paths.
[[nodiscard]] std::vector<std::string> listening_paths(pid_t process);

// A path that the process sees, as the caller sees it: through /proc, where they differ.
[[nodiscard]] bool sees_the_same_files(pid_t process);
[[nodiscard]] std::string seen_from_here(pid_t process, const std::string& path);

}  // namespace luna::tool
