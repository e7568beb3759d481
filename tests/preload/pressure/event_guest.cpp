// SPDX-License-Identifier: MIT
// Is told of pressure by others, as the environment says, and looks what the library has open.
//
// Usage: event_guest PART [shared], where the library can have no descriptors of its own
#include "control_api.hpp"
#include "expect.hpp"
#include "parts.hpp"
#include "pressure_seen.hpp"
#include "sandbox.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr int kPatience = 60'000;

// Where descriptors of the library's begin, and where they have ended by far.
constexpr int kFirst = 700;
constexpr int kLast = 750;

// Whether descriptors of the library's are among those of the program.
bool are_shared = false;

[[nodiscard]] bool is_open(int number) { return fcntl(number, F_GETFD) >= 0; }

[[nodiscard]] int count_open(int first, int last) {
  int count = 0;
  for (int number = first; number < last; ++number) count += is_open(number) ? 1 : 0;
  return count;
}

[[nodiscard]] bool awaits(std::uint64_t files) {
  return comes_within(kPatience, [&] { return control::number("pressure.event_files") == files; });
}

[[nodiscard]] const char* watched() {
  const char* const path = getenv("MEMORY_PRESSURE_WATCH");
  EXPECT(path != nullptr);
  return path;
}

// As who manages the service does.
void tell_by_fifo() {
  const int fifo = open(watched(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT(fifo >= 0 && write(fifo, "x", 1) == 1);
  close(fifo);
}

// Nothing but the files makes a level of this source: no limit is near.
void expect_told(const Told& told, int times) {
  EXPECT(comes_within(kPatience, [&] { return told.count[LUNA_PRESSURE_MODERATE] >= times; }));
  EXPECT(told.last[LUNA_PRESSURE_MODERATE].source == LUNA_PRESSURE_FROM_SYSTEMD);
}

void expect_over(const Told& told, int times) {
  EXPECT(comes_within(kPatience, [&] { return told.count[LUNA_PRESSURE_NONE] >= times; }));
}

void fifo() {
  const Api api;
  Told told;
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_MODERATE);
  EXPECT(awaits(1));
  for (int i = 1; i <= 2; ++i) {
    tell_by_fifo();
    expect_told(told, i);
    expect_over(told, i);
  }
  EXPECT(control::number("pressure.events") == 2);
  // Who wants nothing has nothing open.
  EXPECT(api.unsubscribe(number) == 0);
  control::set("limit.soft_mib", "1000");  // which wakes the thread
  EXPECT(awaits(0));
  EXPECT(comes_within(kPatience, [] { return count_open(kFirst, kLast) == 0; }));
}

// The guest is the service's manager as well.
void socket() {
  const Api api;
  Told told;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", watched());
  const int service = ::socket(AF_UNIX, SOCK_STREAM, 0);
  EXPECT(bind(service, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  EXPECT(listen(service, 1) == 0);
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_MODERATE);
  const int peer = accept(service, nullptr, nullptr);
  char text[64] = {};
  EXPECT(recv(peer, text, 20, MSG_WAITALL) == 20 && strcmp(text, "some 200000 2000000") == 0);
  EXPECT(send(peer, "x", 1, 0) == 1);
  expect_told(told, 1);
  EXPECT(api.unsubscribe(number) == 0);
}

void close_all() {
  if (!are_shared) EXPECT(close_range(3, ~0U, 0) == 0);
  for (int number = 3; are_shared && number < kLast; ++number) close(number);
}

// As a daemon does, whose own files then have the numbers that were ours.
void closed() {
  const Api api;
  Told told;
  static_cast<void>(told.subscribe(api, LUNA_PRESSURE_MODERATE));
  EXPECT(awaits(1));
  int ends[2] = {-1, -1};
  close_all();
  EXPECT(pipe2(ends, O_NONBLOCK) == 0);
  EXPECT(write(ends[1], "mine", 4) == 4);
  for (int number = kFirst; number < kLast; ++number) {
    EXPECT_FOR(number, !is_open(number));
    EXPECT(dup2(ends[0], number) == number);
  }
  // It finds out by itself, and has others, if any of these were its.
  if (are_shared)
    EXPECT(comes_within(kPatience, [] { return count_open(kLast, kLast + 10) >= 3; }));
  tell_by_fifo();
  expect_told(told, 1);
  for (int number = kFirst; number < kLast; ++number) EXPECT_FOR(number, is_open(number));
  char text[8] = {};
  EXPECT(read(ends[0], text, sizeof text) == 4 && strcmp(text, "mine") == 0);
}

// The numbers that programs count on are as without us; where they are shared, but for the moment
// of a look.
void numbers() {
  EXPECT(awaits(1) && count_open(kFirst, kLast) >= (are_shared ? 1 : 0));
  if (!are_shared) {
    for (int i = 0; i < 1000; ++i) EXPECT_FOR(i, count_open(3, kLast) == 0);
    return;
  }
  EXPECT(comes_within(kPatience, [] { return count_open(3, kFirst) == 0; }));
  const auto next_is_lowest = [] {
    const int file = open("/dev/null", O_RDONLY);
    close(file);
    return file == 3;
  };
  EXPECT(comes_within(kPatience, next_is_lowest));
}

void fork_with_files() {
  const Api api;
  Told told;
  static_cast<void>(told.subscribe(api, LUNA_PRESSURE_MODERATE));
  EXPECT(awaits(1));
  const pid_t child = fork();
  if (child == 0) {
    EXPECT(count_open(kFirst, kLast) == 0);
    luna_pressure_event event{};
    event.struct_size = sizeof event;
    EXPECT(api.read(&event) == 0);  // which starts a thread of the child's own
    EXPECT(awaits(1));
    _exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  tell_by_fifo();
  expect_told(told, 1);
}

// In a cgroup of 200 MiB, of whatever version the machine has: something tells of this growth.
void cgroup() {
  EXPECT(comes_within(kPatience, [] { return control::number("pressure.event_files") != 0; }));
  const std::uint64_t before = control::number("pressure.events");
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 150; ++i) {
    blocks.push_back(malloc(kMiB));
    memset(blocks.back(), 1, kMiB);
  }
  EXPECT(comes_within(kPatience, [&] { return control::number("pressure.events") > before; }));
  for (void* block : blocks) free(block);
}

// Begins anew, in a sandbox as of kernels before 5.9.
[[noreturn]] void begin_shared(char** arguments) {
  const int refused[] = {SYS_close_range};
  EXPECT(setenv("LUNA_TEST_SHARED", "1", 1) == 0);
  sandbox::begin(refused, SECCOMP_RET_ERRNO | ENOSYS, SECCOMP_RET_ALLOW);
  execv("/proc/self/exe", arguments);
  _exit(1);
}

constexpr Part kParts[] = {
    {"fifo", fifo},       {"socket", socket},        {"closed", closed},
    {"numbers", numbers}, {"fork", fork_with_files}, {"cgroup", cgroup},
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2 || count == 3);
  expect::on_lunalloc();
  are_shared = getenv("LUNA_TEST_SHARED") != nullptr;
  if (count == 3 && !are_shared) begin_shared(arguments);
  if (!run_part(kParts, arguments[1])) return 2;
  puts("done");
  return 0;
}
