// SPDX-License-Identifier: MIT
// A program that runs in the place of this one: with its standard streams, its process group and
// the signals that are sent to it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace luna::tool {

struct ChildEnd {
  pid_t process = 0;
  int status = 0;  // as a shell has it: 128 and the number of a signal that killed it
  int signal = 0;  // that killed it; 0: none
  std::uint64_t peak_resident_bytes = 0;  // of it or of a child that it has waited for
};

// Runs it until it ends; the environment is changed by `variables`. Status 127: there is no such
// program; 126: it cannot be run, and stderr was told why. One at a time; signals are the caller's
// again afterwards. Throws std::system_error where there can be no more processes.
// `began` is told its number, before the signals that are passed on are let in.
[[nodiscard]] ChildEnd run_child(const std::vector<std::string>& command,
                                 const std::map<std::string, std::string>& variables,
                                 const std::function<void(pid_t)>& began = {});

}  // namespace luna::tool
