// SPDX-License-Identifier: MIT
// A copy of the process at one moment, in which work is done while the process runs on, and
// of which the program never learns: no fork handler runs, no SIGCHLD comes.
#pragma once

#include <cstdint>

namespace luna::os {

// All signals wait as long as it lives, but those that cannot.
class SignalGuard {
 public:
  SignalGuard() noexcept;
  ~SignalGuard();

  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  std::uint64_t before_ = 0;
};

// What `work` may do in the copy: read and write memory, and make system calls. There is
// one thread, on the stack of its caller; all files are closed; locks that others held at
// that moment are held for ever. What it returns, from 0 to 127, is what wait() returns.
//
// Owns the copy until wait(); the kernel ends it if the thread that took it ends before.
// A copy has no signal of its own for its end, so the program's wait() and waitpid() do not
// see it, unless they ask for such by __WALL or __WCLONE.
class Snapshot {
 public:
  using Work = int (*)(void* context) noexcept;

  // Returns 0 or the errno value with which the kernel refuses. Requires: a SignalGuard.
  [[nodiscard]] int take(Work work, void* context) noexcept;

  // Returns what the work did; ETIMEDOUT: it was killed after so many milliseconds; EIO: it
  // was killed by others; ECHILD: somebody else waited for it.
  [[nodiscard]] int wait(std::uint64_t limit_ms) noexcept;

 private:
  long id_ = 0;
};

}  // namespace luna::os
