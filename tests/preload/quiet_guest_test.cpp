// SPDX-License-Identifier: MIT
// The library changes nothing else in the process: no threads, open files, signal handlers or
// masks, no process-wide huge-page setting, no variables; and sbrk stays the program's.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"
#include "measure.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace {

void work() {
  blocks::Random random(1);
  for (int i = 0; i < 2000; ++i) handover::check_and_free(handover::make(random.size(), 1));
}

void no_open_files() {
  for (int file = 3; file < 256; ++file) EXPECT_FOR(file, fcntl(file, F_GETFD) == -1);
}

void no_threads() {
  // The line has no unit, so one reads as one KiB.
  EXPECT(measure::kilobytes_of("/proc/self/status", "Threads:") == 1 * blocks::kKiB);
}

void no_signal_changes() {
  for (int number = 1; number < 32; ++number) {
    struct sigaction action;
    EXPECT_FOR(number, sigaction(number, nullptr, &action) == 0);
    EXPECT_FOR(number, action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
  }
  sigset_t mask;
  EXPECT(sigprocmask(SIG_SETMASK, nullptr, &mask) == 0);
  for (int number = 1; number < 32; ++number) EXPECT_FOR(number, sigismember(&mask, number) == 0);
}

void the_break_is_free() {
  auto* const start = static_cast<char*>(sbrk(0));
  work();
  EXPECT(sbrk(0) == start);
  EXPECT(sbrk(static_cast<intptr_t>(blocks::kMiB)) == start);
  blocks::fill(start, blocks::kMiB, 1);
  work();
  EXPECT(blocks::holds(start, blocks::kMiB, 1));
  EXPECT(sbrk(-static_cast<intptr_t>(blocks::kMiB)) == start + blocks::kMiB);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  if (count == 1) {
    for (int file = 3; file < 256; ++file) close(file);
    execl("/proc/self/exe", arguments[0], "clean", nullptr);
    EXPECT(count > 1);
  }

  work();
  no_open_files();
  no_threads();
  no_signal_changes();
  EXPECT(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
  the_break_is_free();
  return 0;
}
