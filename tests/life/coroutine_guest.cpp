// SPDX-License-Identifier: MIT
// Coroutines on small stacks that allocate on every path, and go on in other threads than they
// began in: their blocks are freed there, and by whoever runs them next.
//
// Usage: coroutine_guest BYTES, of a stack
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kGuardBytes = 64 * blocks::kKiB;
constexpr std::size_t kCoroutines = 32;
constexpr int kTurns = 15;
constexpr std::size_t kThreads = 3;

// Of the coroutine itself, so that nothing of a thread is kept over a switch.
struct Coroutine {
  ucontext_t own;
  ucontext_t caller;
  std::array<void*, 8> kept{};
  std::size_t number = 0;
  int turns = 0;
  bool ended = false;
};

// All ranges of sizes, so that each way through the library is met.
[[gnu::noinline]] void use_every_path(Coroutine& self) {
  for (std::size_t size = 1; size <= 3 * blocks::kMiB; size = size * 5 + 3) {
    void* block = handover::make(size, self.number);
    block = realloc(block, 2 * size + 100);
    EXPECT(block != nullptr);
    handover::check_and_free(block);
    free(calloc(1, size));
    free(memalign(4096, size));
  }
  for (void*& block : self.kept) {
    if (block != nullptr) handover::check_and_free(block);
    block = handover::make(self.number * 100 + 20, self.number);
  }
}

void body(unsigned high, unsigned low) {
  const std::uintptr_t address = (static_cast<std::uintptr_t>(high) << 32) | low;
  auto& self = *reinterpret_cast<Coroutine*>(address);
  for (self.turns = 0; self.turns < kTurns; ++self.turns) {
    use_every_path(self);
    swapcontext(&self.own, &self.caller);
  }
  for (void* block : self.kept) handover::check_and_free(block);
  self.ended = true;
  swapcontext(&self.own, &self.caller);
}

void begin(Coroutine& coroutine, std::size_t number, std::size_t stack_bytes) {
  void* const memory = mmap(nullptr, kGuardBytes + stack_bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  EXPECT(mprotect(memory, kGuardBytes, PROT_NONE) == 0);
  coroutine.number = number;
  EXPECT(getcontext(&coroutine.own) == 0);
  coroutine.own.uc_stack.ss_sp = static_cast<char*>(memory) + kGuardBytes;
  coroutine.own.uc_stack.ss_size = stack_bytes;
  coroutine.own.uc_link = nullptr;
  const auto address = reinterpret_cast<std::uintptr_t>(&coroutine);
  makecontext(&coroutine.own, reinterpret_cast<void (*)()>(body), 2,
              static_cast<unsigned>(address >> 32), static_cast<unsigned>(address));
}

// Each turn every coroutine is run by the thread after the one that had it before.
class Turns {
 public:
  explicit Turns(std::vector<std::unique_ptr<Coroutine>>& coroutines) : coroutines_(coroutines) {
    EXPECT(pthread_barrier_init(&all_, nullptr, kThreads) == 0);
  }

  void run(std::size_t thread) {
    for (std::size_t turn = 0; turn <= kTurns; ++turn) {
      for (std::size_t i = (thread + turn) % kThreads; i < kCoroutines; i += kThreads) {
        Coroutine& coroutine = *coroutines_[i];
        EXPECT(!coroutine.ended);
        EXPECT(swapcontext(&coroutine.caller, &coroutine.own) == 0);
      }
      pthread_barrier_wait(&all_);
    }
  }

 private:
  std::vector<std::unique_ptr<Coroutine>>& coroutines_;
  pthread_barrier_t all_;
};

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  expect::on_lunalloc();
  free(expect::opaque(malloc(1)));  // binds the functions, which takes a deeper stack
  std::vector<std::unique_ptr<Coroutine>> coroutines;
  for (std::size_t i = 0; i < kCoroutines; ++i) {
    coroutines.push_back(std::make_unique<Coroutine>());
    begin(*coroutines.back(), i + 1, strtoul(arguments[1], nullptr, 10));
  }
  Turns turns(coroutines);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([&turns, i] { turns.run(i); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& coroutine : coroutines) EXPECT(coroutine->ended);
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
