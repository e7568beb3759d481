// SPDX-License-Identifier: MIT
// Whether a process has ended, also where another has its number by now.
#pragma once

#include <sys/types.h>

#include <chrono>

namespace luna::tool {

class ProcessWatch {
 public:
  explicit ProcessWatch(pid_t process);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  // Waits so long for it: what has closed its connections may be about to end.
  [[nodiscard]] bool has_ended(std::chrono::milliseconds patience = {}) const;

  // Whether a signal or a debugger keeps it from answering.
  [[nodiscard]] bool is_stopped() const;

 private:
  pid_t process_;
  int descriptor_;  // -1: this kernel has none
};

}  // namespace luna::tool
