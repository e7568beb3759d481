// SPDX-License-Identifier: MIT
// A program in a sandbox that it has made itself: system calls refused or deadly, an empty root.
//
// Usage: sandbox_guest refused | strict | chroot FOLDER | work
#include "churn.hpp"
#include "expect.hpp"
#include "find_function.hpp"
#include "sandbox.hpp"

#include <fcntl.h>
#include <lunalloc/lunalloc.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr unsigned kChildSeconds = 60;

// What of these is refused, the library does without. Others: tests/preload/refused.
constexpr int kRefused[] = {SYS_madvise,
                            SYS_mremap,
                            SYS_memfd_create,
                            SYS_socket,
                            SYS_openat,
                            SYS_getcpu,
                            SYS_membarrier,
                            SYS_getrandom,
                            SYS_prlimit64,
                            SYS_mincore,
                            SYS_process_vm_writev,
                            SYS_process_vm_readv,
                            SYS_readlinkat,
                            SYS_newfstatat,
                            SYS_fcntl,
                            SYS_faccessat,
                            SYS_uname,
                            SYS_gettid,
                            SYS_sched_getaffinity,
                            SYS_ppoll,
                            SYS_sigaltstack,
                            SYS_clock_nanosleep};

// What a heap needs once the process has begun, without files and threads of the library's own.
constexpr int kNeeded[] = {SYS_mmap,   SYS_munmap, SYS_mprotect, SYS_madvise,
                           SYS_mremap, SYS_futex,  SYS_gettid,   SYS_mincore};

// Of the program: a line, its threads, and its end.
constexpr int kOfProgram[] = {
    SYS_write,           SYS_exit, SYS_exit_group,  SYS_clone3,       SYS_rt_sigprocmask,
    SYS_set_robust_list, SYS_rseq, SYS_sched_yield, SYS_rt_sigreturn, SYS_clock_gettime};

void work(std::size_t rounds) {
  blocks::Random random(1);
  void* grown = nullptr;
  for (std::size_t i = 0; i < rounds; ++i) {
    handover::check_and_free(handover::make(random.size(), 1));
    grown = expect::opaque(realloc(grown, 100'000 + i * 50'000));
    EXPECT_FOR(i, grown != nullptr);
    static_cast<char*>(grown)[i] = 1;
  }
  free(grown);
  free(calloc(1, 300 * blocks::kMiB));
  malloc_trim(0);
  luna_stats stats{};
  stats.struct_size = sizeof stats;
  EXPECT(find<decltype(luna_stats_read)>("luna_stats_read")(&stats) == 0);
  EXPECT(stats.live_bytes > 0);
}

void work_in_threads() {
  churn::Threads threads(2);
  work(100);
  threads.pause();
  threads.slots().clear();
}

// Each call by each error in a child of its own, whose library is all at work.
void refused() {
  for (const int call : kRefused) {
    for (const int error : {ENOSYS, EPERM}) {
      const pid_t child = fork();
      EXPECT_FOR(call, child >= 0);
      if (child == 0) {
        alarm(kChildSeconds);
        const int calls[] = {call};
        sandbox::begin(calls, SECCOMP_RET_ERRNO | static_cast<unsigned>(error), SECCOMP_RET_ALLOW);
        work_in_threads();
        exit(0);
      }
      int status = 0;
      EXPECT(waitpid(child, &status, 0) == child);
      if (status != 0) expect::print(STDERR_FILENO, "call %d, error %d\n", call, error);
      if (WIFEXITED(status) && WEXITSTATUS(status) == 77) _exit(77);
      EXPECT_FOR(status, status == 0);
    }
  }
}

// Any other call ends the process with SIGSYS.
void strict() {
  int allowed[std::size(kNeeded) + std::size(kOfProgram)];
  std::copy(std::begin(kNeeded), std::end(kNeeded), allowed);
  std::copy(std::begin(kOfProgram), std::end(kOfProgram), allowed + std::size(kNeeded));
  work_in_threads();
  sandbox::begin(allowed, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
  work_in_threads();
  expect::print(STDOUT_FILENO, "done\n");
  _exit(0);
}

// Neither /proc nor /sys nor any file is there from now on.
void empty_root(const char* folder) {
  churn::Threads threads(2);
  work(20);
  EXPECT(chroot(folder) == 0);
  EXPECT(chdir("/") == 0);
  EXPECT(access("/proc", F_OK) != 0);
  work(100);
  usleep(1'500'000);  // the library's threads look for files meanwhile
  work(100);
  threads.pause();
  threads.slots().clear();
  const pid_t child = fork();
  if (child == 0) {
    alarm(kChildSeconds);
    work(20);
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT_FOR(status, status == 0);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2 || count == 3);
  const std::string_view part = arguments[1];
  if (part == "refused") refused();
  if (part == "strict") strict();
  if (part == "chroot") empty_root(arguments[2]);
  if (part == "work") work_in_threads();
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
