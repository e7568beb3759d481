// SPDX-License-Identifier: MIT
#include "process_lock.hpp"

#include "attach_target.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace luna::tool {

ProcessLock::ProcessLock(pid_t process, std::chrono::steady_clock::time_point end)
    : folder_(
          open(("/proc/" + std::to_string(process)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  const std::string name = "process " + std::to_string(process);
  if (folder_ < 0) throw AttachError(AttachError::kUnreachable, name + " has ended");
  while (flock(folder_, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= end) {
      close(folder_);
      throw AttachError(AttachError::kNoAnswer,
                        "another `luna attach` is still waiting for " + name);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

ProcessLock::~ProcessLock() { close(folder_); }

}  // namespace luna::tool
