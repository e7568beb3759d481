// SPDX-License-Identifier: MIT
// What guarded samples meet in programs: handlers of their own, small stacks, forks. One part a
// run; guard_test.py says with which options, and looks at how it ends.
#include "expect.hpp"
#include "parts.hpp"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace {

using expect::opaque;

sigjmp_buf back;
volatile sig_atomic_t caught;

void come_back(int) {
  caught = caught + 1;
  siglongjmp(back, 1);
}

void install(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  EXPECT(sigaction(SIGSEGV, &action, nullptr) == 0);
}

// A page of the program's own that cannot be accessed.
[[nodiscard]] char* forbidden_page() {
  void* page = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(page != MAP_FAILED);
  return static_cast<char*>(page);
}

void write_to(char* at) { *static_cast<volatile char*>(opaque(at)) = 1; }

[[nodiscard]] char* freed_block() {
  auto* block = static_cast<char*>(opaque(malloc(100)));
  EXPECT(block != nullptr);
  free(block);
  return opaque(block);
}

// A library that was loaded before installed a handler: it gets the program's faults. A
// mistake comes to it after the report.
void handler_before() {
  using Caught = int (*)();
  const auto caught_before = reinterpret_cast<Caught>(dlsym(RTLD_DEFAULT, "caught_before"));
  EXPECT(caught_before != nullptr);
  write_to(forbidden_page());  // which that handler makes accessible
  EXPECT(caught_before() == 1);
  raise(SIGSEGV);
  EXPECT(caught_before() == 2);
  write_to(freed_block());
  EXPECT(caught_before() == 3);
}

// A handler that the program installs takes the place of ours, for all faults.
void handler_after() {
  install(come_back);
  if (sigsetjmp(back, 1) == 0) write_to(forbidden_page());
  if (sigsetjmp(back, 1) == 0) write_to(freed_block());
  EXPECT(caught == 2);
}

void own_fault() { write_to(forbidden_page()); }

void sent() {
  raise(SIGSEGV);
  _exit(3);
}

// On an alternate stack of the size that programs use.
void alternate_stack() {
  static std::array<char, 8192> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  EXPECT(sigaltstack(&stack, nullptr) == 0);
  write_to(freed_block());
}

void errno_kept() {
  errno = 77;
  write_to(freed_block());
  EXPECT(errno == 77);
}

// The child has the blocks of its parent, and mistakes of its own.
void forks() {
  auto* block = static_cast<char*>(opaque(malloc(100)));
  std::memset(block, 5, 100);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    EXPECT(block[99] == 5);
    free(block);
    free(opaque(malloc(100)));
    write_to(block);
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  EXPECT(block[99] == 5);
  free(block);
}

// Nothing of ours hears of faults, unless samples are guarded.
void no_handler() {
  struct sigaction action {};
  EXPECT(sigaction(SIGSEGV, nullptr, &action) == 0);
  EXPECT(action.sa_handler == SIG_DFL);
}

// All slots are in use: what comes then is not guarded, and nothing fails.
void full() {
  static std::array<char*, 300> blocks;
  for (char*& block : blocks) {
    block = static_cast<char*>(opaque(malloc(100)));
    std::memset(block, 3, 100);
  }
  for (char* block : blocks) {
    EXPECT(block[0] == 3 && block[99] == 3);
    free(block);
  }
}

constexpr Part kParts[] = {
    {"handler_before", handler_before},
    {"handler_after", handler_after},
    {"own_fault", own_fault},
    {"sent", sent},
    {"alternate_stack", alternate_stack},
    {"errno_kept", errno_kept},
    {"forks", forks},
    {"no_handler", no_handler},
    {"full", full},
};

}  // namespace

int main(int, char** arguments) {
  expect::on_lunalloc();
  if (!run_part(kParts, arguments[1])) return 2;
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
