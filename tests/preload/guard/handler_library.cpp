// SPDX-License-Identifier: MIT
// Preloaded behind lunalloc, so that its constructor runs before: a handler that counts, and
// makes accessible what could not be accessed.
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace {

volatile sig_atomic_t caught;

void on_fault(int, siginfo_t* info, void*) {
  caught = caught + 1;
  if (info->si_code <= 0) return;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  auto* page = reinterpret_cast<void*>(address / 4096 * 4096);
  if (mprotect(page, 4096, PROT_READ | PROT_WRITE) != 0) _exit(4);
}

[[gnu::constructor]] void install() {
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
}

}  // namespace

extern "C" int caught_before() { return caught; }
