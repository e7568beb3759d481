// SPDX-License-Identifier: MIT
// Children by vfork, posix_spawn, system and popen, started while another thread allocates. A
// vfork child shares its parent's memory, so nothing may be repaired or reset there.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr int kChildren = 150;
constexpr int kCode = 23;
char self_path[] = "/proc/self/exe";
char child_word[] = "child";

void churn(std::uint64_t seed) {
  blocks::Random random(seed);
  for (int i = 0; i < 200; ++i) handover::check_and_free(handover::make(random.size(), 1));
}

void expect_code(pid_t child) {
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == kCode);
}

void by_vfork() {
  char* const arguments[] = {self_path, child_word, nullptr};
  const pid_t child = vfork();
  if (child == 0) {
    execv(self_path, arguments);
    _exit(1);
  }
  EXPECT(child > 0);
  expect_code(child);
}

// Not allowed by POSIX, but programs do it between vfork and exec.
void by_vfork_with_malloc() {
  static void* volatile of_child;
  const pid_t child = vfork();
  if (child == 0) {
    of_child = malloc(100);
    free(malloc(5000));
    _exit(kCode);
  }
  EXPECT(child > 0);
  expect_code(child);
  EXPECT(of_child != nullptr);
  free(of_child);
}

void by_posix_spawn() {
  char* const arguments[] = {self_path, child_word, nullptr};
  pid_t child = 0;
  EXPECT(posix_spawn(&child, self_path, nullptr, nullptr, arguments, environ) == 0);
  expect_code(child);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  if (count > 1 && strcmp(arguments[1], child_word) == 0) {
    churn(1);
    return kCode;
  }

  alarm(120);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) churn(2);
  });
  for (int i = 0; i < kChildren; ++i) {
    by_vfork();
    by_vfork_with_malloc();
    by_posix_spawn();
    if (i % 10 == 0) EXPECT(WEXITSTATUS(system("exit 23")) == kCode);
    churn(3);
  }
  stop = true;
  other.join();
  return 0;
}
