// SPDX-License-Identifier: MIT
// A program that closes its lowest descriptors and counts on getting them back, as shells and
// daemons do, while the thread of the library's own is at work; and one that has it come and go,
// and finds nothing that it did not open.
//
// Usage: descriptors_guest redirect ROUNDS | daemonize TIMES | switch ROUNDS
#include "control_api.hpp"
#include "expect.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace {

constexpr unsigned kChildSeconds = 60;

[[nodiscard]] bool is_same_file(int number, int other) {
  struct stat status {};
  struct stat others {};
  return fstat(number, &status) == 0 && fstat(other, &others) == 0 &&
         status.st_dev == others.st_dev && status.st_ino == others.st_ino;
}

// Has the thread look at its files, and at where they are, soon.
void wake_thread(int round) {
  EXPECT(control::control_set_text("limit.soft_mib", round % 2 == 0 ? "1000" : "1001") == 0);
}

// As a shell does for each `<` and `>`.
void redirect(int rounds) {
  constexpr int kRoundsForLook = 200;
  const int zero = open("/dev/zero", O_RDONLY);
  const int null = open("/dev/null", O_WRONLY);
  EXPECT(zero > STDERR_FILENO && null > STDERR_FILENO);
  for (int i = 0; i < rounds; ++i) {
    if (i % kRoundsForLook == 0) wake_thread(i / kRoundsForLook);
    EXPECT_FOR(i, close(STDIN_FILENO) == 0);
    EXPECT_FOR(i, open("/dev/null", O_RDONLY) == STDIN_FILENO);
    EXPECT_FOR(i, close(STDOUT_FILENO) == 0);
    EXPECT_FOR(i, dup2(zero, STDOUT_FILENO) == STDOUT_FILENO);
    // Whoever had the number for a moment may close it now.
    EXPECT_FOR(i, is_same_file(STDOUT_FILENO, zero));
    EXPECT_FOR(i, is_same_file(STDIN_FILENO, null));
  }
}

// As daemon(3) does; the status tells which number was another.
[[noreturn]] void become_daemon() {
  alarm(kChildSeconds);
  for (int i = STDIN_FILENO; i <= STDERR_FILENO; ++i) close(i);
  for (int i = STDIN_FILENO; i <= STDERR_FILENO; ++i)
    if (open("/dev/null", O_RDWR) != i) _exit(1 + i);
  for (int i = STDIN_FILENO; i <= STDERR_FILENO; ++i)
    if (fcntl(i, F_GETFD) < 0) _exit(11 + i);
  _exit(0);
}

// In each child the thread begins anew, and opens what it needs.
void daemonize(int times) {
  for (int i = 0; i < times; ++i) {
    const pid_t child = fork();
    EXPECT_FOR(i, child >= 0);
    if (child == 0) {
      usleep(static_cast<useconds_t>(i % 50 * 20));
      become_daemon();
    }
    int status = 0;
    EXPECT_FOR(i, waitpid(child, &status, 0) == child);
    EXPECT_FOR(status, status == 0);
  }
}

[[nodiscard]] int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  EXPECT(folder != nullptr);
  int count = 0;
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

// Wanted again while it ends, and no longer while it begins.
void switch_thread(int rounds) {
  constexpr int kStepUs = 20;
  constexpr int kSteps = 97;
  const int before = open_descriptors();
  for (int i = 0; i < rounds; ++i) {
    EXPECT(control::control_set_text("background", i % 2 == 0 ? "true" : "false") == 0);
    usleep(static_cast<useconds_t>(i % kSteps * kStepUs));
    EXPECT_FOR(i, open_descriptors() == before);
  }
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  const std::string_view part = arguments[1];
  const int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
  if (part == "redirect") redirect(atoi(arguments[2]));
  if (part == "daemonize") daemonize(atoi(arguments[2]));
  if (part == "switch") switch_thread(atoi(arguments[2]));
  expect::print(output, "done\n");
  return 0;
}
