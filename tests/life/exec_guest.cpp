// SPDX-License-Identifier: MIT
// A program that becomes another, gives its descriptors or its rights away, or becomes a daemon.
//
// Usage: exec_guest chain COUNT
//        exec_guest daemon | close_range | drop_rights | secure | plain
#include "churn.hpp"
#include "expect.hpp"
#include "process_state.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

constexpr unsigned kNobody = 65534;
constexpr int kMostDescriptors = 1024;

void allocate() {
  blocks::Random random(1);
  for (int i = 0; i < 500; ++i) handover::check_and_free(handover::make(random.size(), 1));
}

// Of a process that goes on for as long as its driver wants.
void tell_and_wait(const char* what) {
  expect::print(STDOUT_FILENO, "%s %d\n", what, getpid());
  char byte;
  EXPECT(read(STDIN_FILENO, &byte, 1) >= 0);
}

// The last program of the chain says how many there were.
void chain(const char* left) {
  allocate();
  const long count = strtol(left, nullptr, 10);
  if (count == 0) {
    EXPECT(process_state::descriptor_count() < 40);
    return;
  }
  std::array<char, 16> fewer;
  snprintf(fewer.data(), fewer.size(), "%ld", count - 1);
  execl("/proc/self/exe", "exec_guest", "chain", fewer.data(), static_cast<char*>(nullptr));
  expect::fail(__FILE__, __LINE__, "no other program");
}

// As daemons did for decades. The driver waits for the file, for nothing else is left of us.
void become_daemon() {
  const char* const place = getenv("LUNA_LIFE_FOLDER");
  EXPECT(place != nullptr);
  std::array<char, 4096> file;
  snprintf(file.data(), file.size(), "%s/daemon", place);
  churn::Threads threads(2);
  if (fork() != 0) _exit(0);
  EXPECT(setsid() > 0);
  if (fork() != 0) _exit(0);
  for (int i = 0; i < kMostDescriptors; ++i) close(i);
  EXPECT(chdir("/") == 0);
  allocate();
  alarm(100);  // not beyond its driver
  const int told = open(file.data(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  EXPECT(told == 0);
  dprintf(told, "%d\n", getpid());
  close(told);
  for (;;) {
    std::thread(allocate).join();
    usleep(20'000);
  }
}

// Files of the program then have the numbers that the library's had; nobody writes into them.
void close_all_and_reuse() {
  churn::Threads threads(2);
  allocate();
  EXPECT(close_range(3, ~0U, 0) == 0);
  std::array<char, 4096> path;
  snprintf(path.data(), path.size(), "%s/own", getenv("LUNA_LIFE_FOLDER"));
  std::array<bool, kMostDescriptors> opened{};
  for (int i = 3; i < kMostDescriptors; ++i) {
    const int file = open(path.data(), O_CREAT | O_RDWR, 0600);
    if (file >= 0 && file < kMostDescriptors) opened[static_cast<std::size_t>(file)] = true;
  }
  for (int i = 0; i < 50; ++i) {
    std::thread(allocate).join();
    usleep(60'000);
  }
  struct stat own {};
  EXPECT(stat(path.data(), &own) == 0);
  EXPECT(own.st_size == 0);
  int still = 0;
  for (int i = 3; i < kMostDescriptors; ++i) {
    if (!opened[static_cast<std::size_t>(i)]) continue;
    struct stat here {};
    EXPECT_FOR(i, fstat(i, &here) == 0);
    EXPECT_FOR(i, here.st_ino == own.st_ino && here.st_dev == own.st_dev);
    EXPECT_FOR(i, lseek(i, 0, SEEK_CUR) == 0);
    ++still;
  }
  EXPECT_FOR(still, still > kMostDescriptors / 2);
}

// For all threads, the library's too, which the C library asks by a signal.
void give_up_rights() {
  churn::Threads threads(2);
  EXPECT(setgroups(0, nullptr) == 0);
  EXPECT(setgid(kNobody) == 0);
  EXPECT(setuid(kNobody) == 0);
  EXPECT(setuid(0) == -1);
  allocate();
  tell_and_wait("dropped");
  allocate();
}

// Linked with the library, for a program with more rights than its caller is preloaded nothing.
void run_linked(bool secure) {
  EXPECT((getauxval(AT_SECURE) != 0) == secure);
  allocate();
  tell_and_wait("waits");
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2 || count == 3);
  const std::string_view part = arguments[1];
  if (part != "secure" && part != "plain") expect::on_lunalloc();
  if (part == "chain") chain(arguments[2]);
  if (part == "daemon") become_daemon();
  if (part == "close_range") close_all_and_reuse();
  if (part == "drop_rights") give_up_rights();
  if (part == "secure" || part == "plain") run_linked(part == "secure");
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
