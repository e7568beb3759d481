// SPDX-License-Identifier: MIT
// A child that does one thing, and what somebody says.
#pragma once

#include "expect.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <string>

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

// What a function writes to stderr.
template <typename Function>
[[nodiscard]] inline std::string told_by(Function function) {
  int ends[2];
  EXPECT(pipe(ends) == 0);
  const int before = dup(STDERR_FILENO);
  EXPECT(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
  function();
  EXPECT(dup2(before, STDERR_FILENO) == STDERR_FILENO);
  EXPECT(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  char text[4096];
  const ssize_t length = read(ends[0], text, sizeof text);
  close(ends[0]);
  close(ends[1]);
  close(before);
  return {text, length > 0 ? static_cast<std::size_t>(length) : 0};
}
