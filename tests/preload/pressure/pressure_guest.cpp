// SPDX-License-Identifier: MIT
// Comes near a limit of its memory, idles, forks and exits, and looks at what the library does.
//
// Usage: pressure_guest PART [MIB]
#include "expect.hpp"
#include "measure.hpp"
#include "parts.hpp"
#include "pressure_seen.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr std::uint64_t kDay = 86'400'000;
std::size_t mebibytes = 0;

[[nodiscard]] void* touched(std::size_t bytes) {
  void* block = malloc(bytes);
  EXPECT(block != nullptr);
  memset(block, 1, bytes);
  return block;
}

// Grows until it is told that it is critical; if nobody told, the kernel would kill it.
void grow() {
  const Api api;
  Told told;
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_LOW);
  std::vector<void*> blocks;
  constexpr struct {
    luna_pressure_level level;
    std::size_t percent;
  } kSteps[] = {
      {LUNA_PRESSURE_LOW, 75}, {LUNA_PRESSURE_MODERATE, 90}, {LUNA_PRESSURE_CRITICAL, 96}};
  for (const auto& step : kSteps) {
    while (blocks.size() < mebibytes * step.percent / 100 && told.count[step.level] == 0)
      blocks.push_back(touched(kMiB));
    EXPECT_FOR(static_cast<int>(step.level),
               comes_within(60'000, [&] { return told.count[step.level] == 1; }));
  }
  const luna_pressure_event& event = told.last[LUNA_PRESSURE_CRITICAL];
  EXPECT(event.source == LUNA_PRESSURE_FROM_CGROUP);
  EXPECT(event.limit_bytes == mebibytes * kMiB);
  EXPECT(event.used_bytes >= event.limit_bytes / 100 * 95 && event.used_bytes < event.limit_bytes);
  EXPECT(event.resident_bytes > mebibytes * kMiB * 8 / 10);
  for (void* block : blocks) free(block);
  EXPECT(malloc_trim(0) >= 0);
  EXPECT(comes_within(20'000, [&] { return told.count[LUNA_PRESSURE_NONE] == 1; }));
  EXPECT(api.unsubscribe(number) == 0);
}

// By its own calls alone, on its own thread.
void check() {
  const Api api;
  Told told;
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_MODERATE);
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < mebibytes * 90 / 100; ++i) blocks.push_back(touched(kMiB));
  while (api.check() == EBUSY) usleep(1000);
  EXPECT(told.count[LUNA_PRESSURE_MODERATE] == 1);
  EXPECT(api.read(&event) == 0);
  EXPECT(event.level == LUNA_PRESSURE_MODERATE && event.source == LUNA_PRESSURE_FROM_CGROUP);
  EXPECT(event.released_bytes == 0);
  // At a critical use what was freed goes back, and then there is less pressure.
  while (blocks.size() < mebibytes * 955 / 1000) blocks.push_back(touched(kMiB));
  for (std::size_t i = 0; i < blocks.size(); i += 2) free(blocks[i]);
  EXPECT(comes_within(20'000, [&] {
    static_cast<void>(api.check());
    return told.count[LUNA_PRESSURE_NONE] + told.count[LUNA_PRESSURE_LOW] == 1;
  }));
  EXPECT(measure::resident_bytes() < mebibytes * kMiB * 3 / 4);
  EXPECT(api.unsubscribe(number) == 0);
}

// Blocks of so many bytes each.
void idle_with(std::size_t bytes) {
  std::vector<void*> blocks;
  for (std::size_t total = 0; total < mebibytes * kMiB; total += bytes)
    blocks.push_back(touched(bytes));
  EXPECT(measure::resident_bytes() > mebibytes * kMiB);
  for (void* block : blocks) free(block);
  // Of this thread nothing comes by the allocator from here on.
  const bool returned =
      comes_within(3000, [] { return measure::resident_bytes() < mebibytes * kMiB / 16; });
  if (!returned) expect::print(2, "%zu resident\n", measure::resident_bytes());
  EXPECT_FOR(bytes, returned);
}

void idle_small() { idle_with(200); }
void idle_slab() { idle_with(40'000); }
void idle_run() { idle_with(kMiB); }
void idle_span() { idle_with(24 * kMiB); }

// Frees most of what it has, in pieces that nothing larger fits into, and wants as much again.
void reuse() {
  std::vector<void*> small;
  for (std::size_t total = 0; total < mebibytes * 3 / 4 * kMiB; total += 24'576)
    small.push_back(touched(24'576));
  for (std::size_t i = 0; i < small.size(); ++i)
    if (i % 3 != 0) free(small[i]);
  std::vector<void*> large;
  for (std::size_t total = 0; total < mebibytes * 11 / 20 * kMiB; total += 3 * kMiB)
    large.push_back(touched(3 * kMiB));
}

void fork_with_subscription() {
  const Api api;
  Told told;
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_LOW);
  const pid_t child = fork();
  if (child == 0) {
    EXPECT(Workers::seen().count == 0);
    luna_pressure_event event{};
    event.struct_size = sizeof event;
    EXPECT(api.read(&event) == 0);
    EXPECT(comes_within(20'000, [] { return Workers::seen().count == 1; }));
    EXPECT(api.unsubscribe(number) == 0);
    exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  EXPECT(api.unsubscribe(number) == 0 && api.unsubscribe(number) == ENOENT);
}

// As a daemon does: only the child lives on.
void fork_in_background() {
  EXPECT(comes_within(20'000, [] { return Workers::seen().count == 1; }));
  const pid_t child = fork();
  if (child == 0) {
    EXPECT(comes_within(20'000, [] { return Workers::seen().count == 1; }));
    idle_with(kMiB);
    exit(0);
  }
  int status = 1;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

// Threads that fork while others subscribe and the worker calls.
void fork_in_threads() {
  const Api api;
  std::atomic<bool> done{false};
  std::pair<const Api*, std::atomic<bool>*> shared{&api, &done};
  pthread_t thread;
  const auto churn = [](void* context) -> void* {
    const auto& [its_api, its_done] = *static_cast<decltype(shared)*>(context);
    while (!*its_done) {
      Told told;
      const luna_subscription number = told.subscribe(*its_api, LUNA_PRESSURE_LOW);
      static_cast<void>(its_api->check());
      EXPECT(its_api->unsubscribe(number) == 0);
    }
    return nullptr;
  };
  EXPECT(pthread_create(&thread, nullptr, churn, &shared) == 0);
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      Told told;
      const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_LOW);
      EXPECT(api.check() != ENOTSUP && api.unsubscribe(number) == 0);
      _exit(0);
    }
    int status = 1;
    EXPECT_FOR(i, waitpid(child, &status, 0) == child && status == 0);
  }
  done = true;
  EXPECT(pthread_join(thread, nullptr) == 0);
}

// Subscribes for itself and another, and takes both away in the first call.
struct Leaver {
  static void call(const luna_pressure_event*, void* context) {
    auto* self = static_cast<Leaver*>(context);
    ++self->calls;
    EXPECT(self->api.unsubscribe(self->own) == 0);
    EXPECT(self->api.check() == EBUSY);
    luna_subscription another = 0;
    EXPECT(self->api.subscribe(LUNA_PRESSURE_CRITICAL, kDay, &Leaver::call, self, &another) == 0);
    EXPECT(self->api.unsubscribe(another) == 0);
  }

  Api api;
  std::atomic<int> calls{0};
  luna_subscription own = 0;
};

// Without a limit but the one that the options set.
void unsubscribe() {
  Leaver leaver;
  void* block = touched(mebibytes * kMiB);
  EXPECT(leaver.api.subscribe(LUNA_PRESSURE_LOW, 1, &Leaver::call, &leaver, &leaver.own) == 0);
  EXPECT(comes_within(20'000, [&] { return leaver.calls == 1; }));
  usleep(1'200'000);
  EXPECT(leaver.calls == 1);
  free(block);
}

void worker() {
  EXPECT(comes_within(20'000, [] { return Workers::seen().count == 1; }));
  const unsigned long long blocked = Workers::seen().blocked;
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGCHLD, SIGPROF, SIGRTMAX})
    EXPECT_FOR(signal, (blocked >> (signal - 1) & 1) == 1);
  // Which the C library needs: in a program of several threads it asks each of them.
  EXPECT(setgid(getgid()) == 0 && setuid(getuid()) == 0);
}

// The C library ends the process with the last thread of the program.
void main_ends() {
  EXPECT(comes_within(20'000, [] { return Workers::seen().count == 1; }));
  std::thread([] {
    usleep(300'000);
    puts("done");
  }).detach();
  pthread_exit(nullptr);
}
void no_worker() {
  EXPECT(Workers::seen().count == 0);
  usleep(200'000);
  EXPECT(Workers::seen().count == 0);
}

// While the worker is in a callback that does not return.
void exit_in_callback() {
  const Api api;
  static std::atomic<bool> entered{false};
  luna_subscription number = 0;
  void* block = touched(mebibytes * kMiB);
  const auto stay = [](const luna_pressure_event*, void*) {
    entered = true;
    for (;;) pause();
  };
  EXPECT(api.subscribe(LUNA_PRESSURE_LOW, 1, stay, nullptr, &number) == 0);
  EXPECT(comes_within(20'000, [] { return entered.load(); }));
  free(block);
}

void soft_limit() {
  const Api api;
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  EXPECT(api.read(&event) == 0 && event.source != LUNA_PRESSURE_FROM_OWN_LIMIT);
  void* block = touched(mebibytes * kMiB);
  EXPECT(api.read(&event) == 0);
  EXPECT(event.level == LUNA_PRESSURE_CRITICAL && event.source == LUNA_PRESSURE_FROM_OWN_LIMIT);
  EXPECT(event.used_bytes >= mebibytes * kMiB);
  free(block);
}

// Up to it and no further, again and again; what is freed may be had again.
void hard_limit() {
  const Api api;
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{20'000}, kMiB, 3 * kMiB}) {
    void* last = nullptr;  // each holds the address of the one before
    std::size_t total = 0;
    errno = 0;
    while (void* const block = malloc(bytes)) {
      memset(block, 1, bytes);
      memcpy(block, &last, sizeof last);
      last = block;
      total += bytes;
      EXPECT_FOR(bytes, total < 2 * mebibytes * kMiB);
    }
    EXPECT_FOR(bytes, errno == ENOMEM);
    EXPECT_FOR(bytes, total > mebibytes * kMiB / 2);
    EXPECT_FOR(bytes, measure::resident_bytes() < mebibytes * kMiB + 16 * kMiB);
    luna_pressure_event event{};
    event.struct_size = sizeof event;
    EXPECT(api.read(&event) == 0 && event.level == LUNA_PRESSURE_CRITICAL);
    while (last != nullptr) {
      void* const block = last;
      memcpy(&last, block, sizeof last);
      free(block);
    }
  }
}

// Under a limit on address space.
void refusal() {
  const Api api;
  Told told;
  const luna_subscription number = told.subscribe(api, LUNA_PRESSURE_CRITICAL);
  errno = 0;
  void* refused = expect::opaque(malloc(expect::opaque(mebibytes * kMiB)));
  EXPECT(refused == nullptr && errno == ENOMEM);
  EXPECT(comes_within(20'000, [&] { return told.count[LUNA_PRESSURE_CRITICAL] != 0; }));
  EXPECT(told.last[LUNA_PRESSURE_CRITICAL].source == LUNA_PRESSURE_FROM_REFUSAL);
  EXPECT(api.unsubscribe(number) == 0);
}

void errors() {
  const Api api;
  Told told;
  luna_subscription number = 0;
  const auto add = [&](int level, luna_pressure_callback call, luna_subscription* result) {
    return api.subscribe(static_cast<luna_pressure_level>(level), kDay, call, &told, result);
  };
  EXPECT(add(0, &Told::call, &number) == EINVAL && add(4, &Told::call, &number) == EINVAL);
  EXPECT(add(1, nullptr, &number) == EINVAL && add(1, &Told::call, nullptr) == EINVAL);
  EXPECT(number == 0 && Workers::seen().count == 0);
  std::vector<luna_subscription> numbers;
  for (int i = 0; i < LUNA_PRESSURE_SUBSCRIPTIONS; ++i)
    numbers.push_back(told.subscribe(api, LUNA_PRESSURE_CRITICAL));
  EXPECT(add(1, &Told::call, &number) == ENOSPC && number == 0);
  for (const luna_subscription one : numbers) EXPECT(api.unsubscribe(one) == 0);
  EXPECT(api.unsubscribe(0) == ENOENT && api.unsubscribe(12345) == ENOENT);
  luna_pressure_event event{};
  EXPECT(api.read(&event) == EINVAL && event.resident_bytes == 0);
}

void disabled() {
  const Api api;
  Told told;
  luna_subscription number = 0;
  luna_pressure_event event{};
  event.struct_size = sizeof event;
  EXPECT(api.subscribe(LUNA_PRESSURE_LOW, 0, &Told::call, &told, &number) == ENOTSUP);
  EXPECT(api.read(&event) == ENOTSUP && api.check() == ENOTSUP);
  EXPECT(api.unsubscribe(1) == ENOENT && Workers::seen().count == 0);
}

constexpr Part kParts[] = {
    {"grow", grow},
    {"check", check},
    {"idle_small", idle_small},
    {"idle_slab", idle_slab},
    {"idle_run", idle_run},
    {"idle_span", idle_span},
    {"reuse", reuse},
    {"fork_with_subscription", fork_with_subscription},
    {"fork_in_background", fork_in_background},
    {"fork_in_threads", fork_in_threads},
    {"unsubscribe", unsubscribe},
    {"worker", worker},
    {"main_ends", main_ends},
    {"no_worker", no_worker},
    {"exit_in_callback", exit_in_callback},
    {"soft_limit", soft_limit},
    {"hard_limit", hard_limit},
    {"refusal", refusal},
    {"errors", errors},
    {"disabled", disabled},
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  mebibytes = strtoull(arguments[2], nullptr, 10);
  if (!run_part(kParts, arguments[1])) return 2;
  puts("done");
  return 0;
}
