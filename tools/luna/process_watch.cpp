// SPDX-License-Identifier: MIT
#include "process_watch.hpp"

#include "process_files.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace luna::tool {

ProcessWatch::ProcessWatch(pid_t process)
    : process_(process), descriptor_(static_cast<int>(syscall(SYS_pidfd_open, process, 0U))) {}

ProcessWatch::~ProcessWatch() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool ProcessWatch::has_ended(std::chrono::milliseconds patience) const {
  if (descriptor_ >= 0) {
    pollfd end = {descriptor_, POLLIN, 0};
    return poll(&end, 1, static_cast<int>(patience.count())) == 1;
  }
  std::this_thread::sleep_for(patience);
  const auto status = read_status(process_);
  return !status || status->state == 'Z' || status->state == 'X';
}

bool ProcessWatch::is_stopped() const {
  const auto status = read_status(process_);
  return status && (status->state == 'T' || status->state == 't');
}

}  // namespace luna::tool
