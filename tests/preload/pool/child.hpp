// SPDX-License-Identifier: MIT
// A child that does one thing.
#pragma once

#include "expect.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// How a child ends that calls a function.
template <typename Function>
[[nodiscard]] int status_of_child(Function function) {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    alarm(30);
    function();
    syscall(SYS_exit, 0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  return status;
}
