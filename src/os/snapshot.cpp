// SPDX-License-Identifier: MIT
#include "os/snapshot.hpp"

#include "os/clock.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cerrno>

namespace luna::os {

namespace {

constexpr std::size_t kBytesOfSignalSet = 8;
constexpr long kCloseRange = 436;  // of Linux 5.9; glibc's headers may be older
constexpr int kMaxResult = 127;

// Nobody shall wait for an end of a pipe that only the copy has still open.
void close_all_files() noexcept { system_call(kCloseRange, 0U, ~0U, 0U); }

// If it crashes, that is nothing to keep: the limit of 1 also keeps programs from being fed.
void forbid_core_dumps() noexcept {
  const struct rlimit limit = {1, 1};
  system_call(SYS_prlimit64, 0, RLIMIT_CORE, &limit, nullptr);
}

// If memory runs out, the copy is the one to go.
void volunteer_for_the_oom_killer() noexcept {
  const long file = system_call(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY, 0);
  if (file < 0) return;
  system_call(SYS_write, file, "1000", 4);
  system_call(SYS_close, file);
}

[[noreturn]] void work_in_copy(long parent, Snapshot::Work work, void* context) noexcept {
  system_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // It may have ended before it was asked to take the copy along.
  int result = EIO;
  if (system_call(SYS_getppid) == parent) {
    close_all_files();
    forbid_core_dumps();
    volunteer_for_the_oom_killer();
    result = work(context);
  }
  for (;;) system_call(SYS_exit_group, result < 0 || result > kMaxResult ? EIO : result);
}

}  // namespace

SignalGuard::SignalGuard() noexcept {
  const std::uint64_t all = ~std::uint64_t{0};
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, kBytesOfSignalSet);
}

SignalGuard::~SignalGuard() {
  system_call(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kBytesOfSignalSet);
}

int Snapshot::take(Work work, void* context) noexcept {
  const long parent = system_call(SYS_getpid);
  const long id = system_call(SYS_clone, CLONE_UNTRACED, nullptr, nullptr, nullptr, nullptr);
  if (id == 0) work_in_copy(parent, work, context);
  if (id < 0) return static_cast<int>(-id);
  id_ = id;
  return 0;
}

int Snapshot::wait(std::uint64_t limit_ms) noexcept {
  const std::uint64_t end = nanoseconds() + limit_ms * 1'000'000;
  bool killed = false;
  for (std::uint64_t nap = 100'000;; nap = nap < 4'000'000 ? nap * 2 : nap) {
    int status = 0;
    const long id = system_call(SYS_wait4, id_, &status, __WALL | (killed ? 0 : WNOHANG), nullptr);
    if (id == id_) {
      if (killed) return ETIMEDOUT;
      return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    }
    if (id == -EINTR) continue;
    if (id < 0) return static_cast<int>(-id);
    if (nanoseconds() >= end) {
      system_call(SYS_kill, id_, SIGKILL);
      killed = true;
    } else {
      sleep_nanoseconds(nap);
    }
  }
}

}  // namespace luna::os
