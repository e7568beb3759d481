// SPDX-License-Identifier: MIT
// Which processes run on lunalloc, found without asking them anything.
#pragma once

#include "process_files.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace luna::tool {

struct LunaProcess {
  pid_t number = 0;
  ProcessStatus status;
  std::string
      image;  // the file of the library as the process sees it; empty: it is part of the program
  std::string unreachable;  // why; empty: it can be reached
  bool serves = false;      // at a control socket
};

// Nothing: it does not run on lunalloc, or nobody may know.
[[nodiscard]] std::optional<LunaProcess> look_at(pid_t process);

// Those of the user; root's are all.
[[nodiscard]] std::vector<LunaProcess> processes_on_lunalloc();

// What stands for a process on the command line: its number, or the name that exactly one of
// those on lunalloc has. Throws AttachError.
[[nodiscard]] pid_t find_process(const std::string& number_or_name);

}  // namespace luna::tool
