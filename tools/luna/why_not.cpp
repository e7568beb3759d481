// SPDX-License-Identifier: MIT
#include "why_not.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace luna::tool {

namespace {

// Of the security module Yama; 0 where there is none.
[[nodiscard]] int ptrace_scope() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  return file >> scope ? scope : 0;
}

// Of a thread; one that has ended has none.
[[nodiscard]] bool has_memory(const std::filesystem::path& folder) {
  std::ifstream maps(folder / "maps");
  return maps.is_open() && maps.peek() != std::ifstream::traits_type::eof();
}

[[nodiscard]] std::string why_not_permitted(const std::string& name, uid_t owner) {
  const std::string root = geteuid() == 0 ? "who has CAP_SYS_PTRACE, as you have not,"
                                          : "root or who has CAP_SYS_PTRACE";
  if (owner != geteuid())
    return name + " belongs to another user (uid " + std::to_string(owner) + "): only that user, " +
           root + " can reach it";
  switch (ptrace_scope()) {
    case 0:
      return name +
             " is yours, but has more rights than you or forbids it (setuid, capabilities, " +
             "PR_SET_DUMPABLE, a container's rules): only " + root + " can reach it";
    case 1:
      return name + " is yours, but /proc/sys/kernel/yama/ptrace_scope is 1: only " + root +
             " can reach it,\n      until `sysctl kernel.yama.ptrace_scope=0`";
    case 2:
      return name + ": /proc/sys/kernel/yama/ptrace_scope is 2: only " + root + " can reach it";
    default:
      return name + ": /proc/sys/kernel/yama/ptrace_scope is 3: nobody can reach it, until the " +
             "machine starts anew without that";
  }
}

}  // namespace

bool runs_without_main_thread(pid_t process) {
  const std::filesystem::path folder = "/proc/" + std::to_string(process);
  std::error_code gone;
  if (has_memory(folder)) return false;
  for (const auto& task : std::filesystem::directory_iterator(folder / "task", gone))
    if (has_memory(task)) return true;
  return false;
}

std::string why_not(pid_t process, int error) {
  const std::string name = "process " + std::to_string(process);
  const std::string folder = "/proc/" + std::to_string(process);
  struct stat status {};
  if (runs_without_main_thread(process))
    return name + " runs on without its main thread, with which lunalloc's own threads end: " +
           "nobody\n      would answer";
  if (error == ESRCH || stat(folder.c_str(), &status) != 0) return "there is no " + name;
  std::ifstream maps(folder + "/maps");
  if (error == EPERM || (error == 0 && !maps.is_open()))
    return why_not_permitted(name, status.st_uid);
  if (error == ENOSYS) return "this kernel has no process_vm_readv()";
  if (error != 0) return "the memory of " + name + " cannot be reached: " + std::strerror(error);
  if (maps.peek() == std::ifstream::traits_type::eof()) {
    if (status.st_uid != geteuid() && geteuid() != 0) return why_not_permitted(name, status.st_uid);
    return name + " has no memory: it has ended, or is of the kernel";
  }
  return name + " has no program";
}

}  // namespace luna::tool
