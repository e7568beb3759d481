// SPDX-License-Identifier: MIT
// Signal handlers that allocate and free, having interrupted malloc and free themselves.
//
// Usage: handlers_within PART FOLDER
// Parts: timer (SIGPROF by setitimer), sent (by another thread, as fast as it can), watched (that
// dumps and marks the profile meanwhile), forks (handlers fork); every block is to be sampled.
// slow, switched (the profile is stopped and started meanwhile): every call of the program takes
// a slow path by its size, so anything may be sampled.
#include "measure.hpp"
#include "torture.hpp"

#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using torture::Chance;
using torture::Exchange;
using torture::Rounds;

constexpr int kThreads = 4;

Exchange exchange;        // of everybody
Exchange of_handlers;     // of handlers, for blocks that the fast path may free
bool only_large = false;  // whether the program itself allocates nothing else
bool handlers_fork = false;
std::atomic<std::uint64_t> handled{0};
std::atomic<std::uint64_t> within{0};  // of these, while the thread was in the allocator
std::atomic<std::uint64_t> forked{0};

struct Place {
  volatile std::sig_atomic_t allocates = 0;
  Chance chance{1};
};
thread_local Place place;

[[nodiscard]] std::size_t some_large_bytes(Chance& chance) {
  return 300'000 + chance.below(chance.below(16) == 0 ? 4'000'000 : 500'000);
}

// What has pages of its own, which come from no list.
[[nodiscard]] void* take_large(Chance& chance) {
  const std::size_t bytes = some_large_bytes(chance);
  switch (chance.below(4)) {
    case 0:
      return torture::marked(
          expect::opaque(memalign(std::size_t{8192} << chance.below(6), bytes / 3)), bytes / 3);
    case 1:
      return torture::marked(expect::opaque(calloc(1, bytes)), bytes);
    case 2: {
      void* block = torture::marked(expect::opaque(malloc(bytes)), bytes);
      const std::size_t more = some_large_bytes(chance);
      block = expect::opaque(realloc(block, more));
      EXPECT(block != nullptr && static_cast<torture::Head*>(block)->mark == ~bytes);
      return torture::marked(block, more);
    }
    default:
      return torture::marked(expect::opaque(malloc(bytes)), bytes);
  }
}

void use_operators(Chance& chance) {
  const std::size_t bytes = sizeof(torture::Head) + chance.below(3000);
  void* block = torture::marked(expect::opaque(operator new(bytes)), bytes);
  void* aligned = expect::opaque(operator new (bytes, std::align_val_t{256}));
  torture::look_at(block);
  operator delete(block);
  operator delete (aligned, std::align_val_t{256});
}

// A few blocks that only this call knows, one of which grows.
void use_own(Chance& chance) {
  void* blocks[3];
  for (void*& block : blocks) block = torture::take(chance);
  for (void* block : blocks) torture::look_at(block);
  EXPECT(malloc_usable_size(blocks[0]) >= static_cast<torture::Head*>(blocks[0])->bytes);
  for (void* block : blocks) torture::drop(block);
}

void fork_and_allocate(Chance& chance) {
  const pid_t child = fork();
  if (child == 0) {
    use_own(chance);
    _exit(42);
  }
  EXPECT(child > 0);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) EXPECT(errno == EINTR);
  EXPECT_FOR(status, WIFEXITED(status) && WEXITSTATUS(status) == 42);
  forked.fetch_add(1, std::memory_order_relaxed);
}

void handle(int) {
  const int error = errno;
  Chance& chance = place.chance;
  if (place.allocates != 0) within.fetch_add(1, std::memory_order_relaxed);
  handled.fetch_add(1, std::memory_order_relaxed);
  torture::work(only_large ? of_handlers : exchange, chance, 2);
  if (only_large && chance.below(8) == 0) torture::drop(exchange.swap(chance, take_large(chance)));
  if (chance.below(4) == 0) use_own(chance);
  if (chance.below(64) == 0) static_cast<void>(mallinfo2());
  if (chance.below(256) == 0) malloc_trim(0);
  if (handlers_fork && chance.below(64) == 0) fork_and_allocate(chance);
  errno = error;
}

void mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPROF);
  EXPECT(pthread_sigmask(how, &signals, nullptr) == 0);
}

void allocate(std::uint64_t seed, const std::atomic<bool>& ends) {
  Chance chance(seed);
  place.chance = Chance(seed + 1000);
  mask(SIG_UNBLOCK);
  while (!ends.load(std::memory_order_relaxed)) {
    place.allocates = 1;
    if (only_large) {
      torture::drop(exchange.swap(chance, take_large(chance)));
    } else {
      torture::work(exchange, chance, 10);
      use_operators(chance);
    }
    place.allocates = 0;
  }
  mask(SIG_BLOCK);
}

void report(const char* when) {
  if (getenv("LUNA_STRESS_SECONDS") == nullptr) return;
  expect::print(STDOUT_FILENO, "%s: %zu KiB resident, %llu handlers, %llu within, %llu forks\n",
                when, measure::resident_bytes() / 1024, static_cast<unsigned long long>(handled),
                static_cast<unsigned long long>(within), static_cast<unsigned long long>(forked));
}

void set_timer(int microseconds) {
  const itimerval timer{{0, microseconds}, {0, microseconds}};
  EXPECT(setitimer(ITIMER_PROF, &timer, nullptr) == 0);
}

// What goes on while the threads are at it, some ten milliseconds of it.
void disturb(std::string_view part, const Api& api, const char* folder,
             std::vector<std::thread>& threads) {
  char path[512];
  snprintf(path, sizeof path, "%s/meanwhile.json", folder);
  if (part == "timer") {
    usleep(10'000);
    return;
  }
  for (int i = 0; i < 1000; ++i)
    for (std::thread& thread : threads) pthread_kill(thread.native_handle(), SIGPROF);
  if (part != "watched" && part != "switched") return;
  EXPECT(api.dump(path, LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == 0);
  if (part == "watched") EXPECT(api.mark() == 0);
  if (part == "switched") api.stop();
  EXPECT(api.start(part == "watched" ? 1 : 4096) == 0);
}

void interrupt_all(std::string_view part, const Api& api, const char* folder) {
  std::atomic<bool> ends{false};
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= kThreads; ++seed)
    threads.emplace_back([seed, &ends] { allocate(seed, ends); });
  if (part == "timer") set_timer(500);
  const long long begin = time(nullptr);
  bool reported = false;
  for (Rounds rounds(150); rounds.next();) {
    disturb(part, api, folder, threads);
    if (reported || time(nullptr) < begin + 10) continue;
    report("after 10 s");
    reported = true;
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
  set_timer(0);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 3);
  expect::on_lunalloc();
  static const Api api;
  const std::string_view part = arguments[1];
  only_large = part == "slow" || part == "switched";
  handlers_fork = part == "forks";
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  EXPECT(sigaction(SIGPROF, &action, nullptr) == 0);
  mask(SIG_BLOCK);
  interrupt_all(part, api, arguments[2]);
  report("at the end");
  exchange.clear();
  of_handlers.clear();
  EXPECT_FOR(within, within > 10);
  EXPECT(!handlers_fork || forked > 10);
  char path[512];
  snprintf(path, sizeof path, "%s/end.json", arguments[2]);
  EXPECT(api.dump(path, LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == 0);
  std::puts("done");
  return 0;
}
