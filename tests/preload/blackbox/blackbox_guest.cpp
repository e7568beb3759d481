// SPDX-License-Identifier: MIT
// Does what a black box is to tell of. The first argument says what.
#include "expect.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

[[nodiscard]] double seconds() {
  struct timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

[[gnu::noinline]] void* hold(std::size_t bytes) {
  void* const block = malloc(expect::opaque(bytes));
  EXPECT(block != nullptr);
  return memset(block, 1, bytes);
}

// Blocks of many sizes come and go, all the time.
[[gnu::noinline]] void churn(unsigned seed) {
  std::array<void*, 2000> blocks{};
  for (;;) {
    seed = seed * 1664525 + 1013904223;
    void*& block = blocks[(seed >> 8) % blocks.size()];
    const std::size_t bytes = std::size_t{1} << (seed >> 20) % 17;
    if (seed % 3 == 0) {
      block = realloc(block, bytes);
    } else {
      free(block);
      block = malloc(bytes);
    }
  }
}

// Until somebody kills it. After each large block it tells the time.
[[noreturn]] void busy() {
  hold(10 * kMiB);
  std::thread one(churn, 1);
  std::thread two(churn, 2);
  for (;;) {
    free(hold(3 * kMiB));
    expect::print(STDOUT_FILENO, "%.9f\n", seconds());
    usleep(2000);
  }
}

// So long, with an allocation now and then.
void work_for(double length) {
  for (const double end = seconds() + length; seconds() < end; usleep(1000)) free(hold(3 * kMiB));
}

void refused() {
  struct rlimit limit = {400 * kMiB, 400 * kMiB};
  EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
  for (int i = 0; i < 10; ++i) EXPECT(malloc(expect::opaque(900 * kMiB)) == nullptr);
  work_for(1.2);
}

void forked() {
  const pid_t child = fork();
  EXPECT(child >= 0);
  work_for(child == 0 ? 2.5 : 0.1);
  if (child == 0) _exit(0);
  expect::print(STDOUT_FILENO, "child %d\n", static_cast<int>(child));
  EXPECT(waitpid(child, nullptr, 0) == child);
}

// Closes what it did not open, as daemons do, and goes elsewhere.
void closed() {
  for (int file = 3; file < 1024; ++file) close(file);
  EXPECT(chdir("/") == 0);
  work_for(2.2);
}

// Somebody cuts the file short.
void cut(const char* path) {
  EXPECT(truncate(path, 0) == 0);
  work_for(2.2);
}

void twice() {
  void* const block = hold(100);
  free(block);
  free(expect::opaque(block));
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view part = arguments[1];
  if (part == "busy") busy();
  if (part == "refused") refused();
  if (part == "forked") forked();
  if (part == "closed") closed();
  if (part == "cut") cut(arguments[2]);
  if (part == "twice") twice();
  if (part == "work") work_for(atof(arguments[2]));
  expect::on_lunalloc();
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
