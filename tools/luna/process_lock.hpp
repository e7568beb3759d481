// SPDX-License-Identifier: MIT
// One at a time asks a process: held as a lock on its folder in /proc.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace luna::tool {

class ProcessLock {
 public:
  // Waits until `end` at most, then throws AttachError, as when there is no such process.
  ProcessLock(pid_t process, std::chrono::steady_clock::time_point end);
  ~ProcessLock();

  ProcessLock(const ProcessLock&) = delete;
  ProcessLock& operator=(const ProcessLock&) = delete;

 private:
  int folder_;
};

}  // namespace luna::tool
