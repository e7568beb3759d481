// SPDX-License-Identifier: MIT
// In the build that counts lines alone: a process writes what it has counted also when it ends by
// abort() or _exit(), as programs that make a mistake and children of a fork do. It then begins to
// count anew, for a child of vfork() shares the counts of its parent.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

extern "C" {

void __gcov_dump();
void __gcov_reset();

// Asked for by whoever is linked with this, who may not call what is below himself.
void luna_counts_lines() noexcept;
void luna_counts_lines() noexcept {}

// Writing may itself fail, and end in abort().
static void write_counts() {
  static constinit std::atomic_flag writing;
  if (writing.test_and_set()) return;
  __gcov_dump();
  __gcov_reset();
  writing.clear();
}

// Weak, for the C library's own come along where all is linked statically.
[[gnu::weak, gnu::visibility("default")]] void _exit(int status) {
  write_counts();
  while (true) ::syscall(SYS_exit_group, status);
}

[[gnu::weak, gnu::visibility("default")]] void _Exit(int status) noexcept { ::_exit(status); }

// As the C library's: a handler of the program runs first, and may not return.
[[gnu::weak, gnu::visibility("default")]] void abort() noexcept {
  write_counts();
  ::raise(SIGABRT);
  ::signal(SIGABRT, SIG_DFL);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGABRT);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  while (true) ::raise(SIGABRT);
}

}  // extern "C"
