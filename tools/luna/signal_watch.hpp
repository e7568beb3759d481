// SPDX-License-Identifier: MIT
// SIGINT, SIGTERM and SIGHUP while there is something to be put back: they are noted, and what
// waits looks for them.
#pragma once

#include <csignal>
#include <stdexcept>

namespace luna::tool {

struct Interrupted : std::runtime_error {
  explicit Interrupted(int number) : std::runtime_error("interrupted"), signal(number) {}
  int signal;
};

// Several at a time end in the reverse order. Threads: any may look, one makes and ends them.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Throws Interrupted if a signal came since the last look; also where nobody watches.
  static void look();

  // Ends the process as the signal does, after everything was put back.
  [[noreturn]] static void end_by(int signal);

 private:
  struct sigaction before_[3];
};

}  // namespace luna::tool
