// SPDX-License-Identifier: MIT
// Signal handlers that allocate and free while every block is sampled. POSIX allows them
// neither; what is told here holds nevertheless. They interrupt the program's own code: those
// that interrupt malloc are in handlers_within.cpp.
//
// Usage: profile_handlers handlers FOLDER
#include "torture.hpp"

#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

namespace {

using torture::Chance;
using torture::Exchange;
using torture::Rounds;

Exchange exchange;
std::atomic<std::uint64_t> worked{0};  // interruptions in which a handler allocated

// Of one thread: whether it is in the allocator, and what its handlers draw from.
struct Place {
  volatile std::sig_atomic_t allocates = 0;
  Chance chance{1};
};
thread_local Place place;

void allocate_and_free(int) {
  const int error = errno;
  if (place.allocates == 0) {
    torture::work(exchange, place.chance, 3);
    worked.fetch_add(1, std::memory_order_relaxed);
  }
  errno = error;
}

// A stack for handlers of the size that the C library names, with a page below that tells of
// whoever needs more.
class HandlerStack {
 public:
  HandlerStack() {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const auto room = static_cast<std::size_t>(sysconf(_SC_SIGSTKSZ));
    bytes_ = (room + page - 1) / page * page + page;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory_ != MAP_FAILED && mprotect(memory_, page, PROT_NONE) == 0);
    stack_t stack{};
    stack.ss_sp = static_cast<char*>(memory_) + page;
    stack.ss_size = bytes_ - page;
    EXPECT(sigaltstack(&stack, nullptr) == 0);
  }
  ~HandlerStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    EXPECT(sigaltstack(&none, nullptr) == 0);
    EXPECT(munmap(memory_, bytes_) == 0);
  }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

[[gnu::noinline]] void think(int depth, Chance& chance) {
  volatile char room[64];
  room[chance.below(sizeof room)] = 1;
  for (std::size_t i = chance.below(2000); i != 0; --i) asm volatile("" : : "r"(room) : "memory");
  if (depth != 0) think(depth - 1, chance);
  asm volatile("" : : "r"(room) : "memory");
}

// The kernel prefers the first thread, which only waits.
void mask(int how) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPROF);
  EXPECT(pthread_sigmask(how, &signals, nullptr) == 0);
}

void work_and_think(std::uint64_t seed, int count) {
  Chance chance(seed);
  place.chance = Chance(seed + 1000);
  mask(SIG_UNBLOCK);
  Rounds rounds(count);
  while (rounds.next()) {
    place.allocates = 1;
    torture::work(exchange, chance, 20);
    place.allocates = 0;
    think(static_cast<int>(chance.below(20)), chance);
  }
  mask(SIG_BLOCK);
}

// The timer comes by processor time, which is rare on a busy machine: so signals are sent too.
void in_threads(int count) {
  std::vector<std::thread> threads;
  std::atomic<int> working{3};
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    threads.emplace_back([&working, seed, count] {
      if (seed == 1) {
        work_and_think(seed, count);
      } else {
        const HandlerStack stack;
        work_and_think(seed, count);
      }
      --working;
    });
  while (working != 0) {
    for (std::thread& thread : threads) pthread_kill(thread.native_handle(), SIGPROF);
    usleep(200);
  }
  for (std::thread& thread : threads) thread.join();
}

void set_timer(int microseconds) {
  const itimerval timer{{0, microseconds}, {0, microseconds}};
  EXPECT(setitimer(ITIMER_PROF, &timer, nullptr) == 0);
}

void interrupt_all(int count) {
  struct sigaction action {};
  action.sa_handler = allocate_and_free;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  EXPECT(sigaction(SIGPROF, &action, nullptr) == 0);
  mask(SIG_BLOCK);
  set_timer(1000);
  in_threads(count);
  set_timer(0);
  EXPECT(worked > 10);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count >= 3);
  expect::on_lunalloc();
  static const Api api;
  interrupt_all(3000);
  exchange.clear();
  char path[512];
  snprintf(path, sizeof path, "%s/end.json", arguments[2]);
  EXPECT(api.dump(path, LUNA_PROFILE_HEAP, LUNA_PROFILE_JSON) == 0);
  std::puts("done");
  if (getenv("LUNA_STRESS_SECONDS") != nullptr)
    fprintf(stdout, "%llu handlers allocated\n", static_cast<unsigned long long>(worked));
  return 0;
}
