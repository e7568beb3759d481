// SPDX-License-Identifier: MIT
// Whether the processor has the instructions that the kernel says it has: qemu-user 7.2
// promises one of aarch64 (dc cvap) that it does not know.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace luna::test {

// Runs `write_back` in a child. True on x86-64, where nothing is known to promise in vain.
template <typename WriteBack>
[[nodiscard]] inline bool can_write_back(WriteBack write_back) {
#if defined(__aarch64__)
  const pid_t child = ::fork();
  if (child == 0) {
    write_back();
    ::_exit(0);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
         WTERMSIG(status) != SIGILL;
#else
  static_cast<void>(write_back);
  return true;
#endif
}

}  // namespace luna::test
