// SPDX-License-Identifier: MIT
#include "os/fault.hpp"

#include "os/memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace luna {
namespace {

// What a signal handler can reach.
os::FaultHandler handler;
os::Fault seen;
char* page;
volatile sig_atomic_t calls_before;

// Accesses around which the compiler expects anything to change.
[[gnu::noinline]] void write_to(char* at) {
  asm volatile("" : : : "memory");
  *static_cast<volatile char*>(at) = 1;
  asm volatile("" : : : "memory");
}
[[gnu::noinline]] void read_from(const char* at) {
  asm volatile("" : : : "memory");
  static_cast<void>(*static_cast<const volatile char*>(at));
  asm volatile("" : : : "memory");
}

[[nodiscard]] char* forbidden_page() { return static_cast<char*>(os::reserve(os::page_bytes())); }

void look(int, siginfo_t* info, void* context) {
  seen = os::fault_of(info, context);
  if (!os::commit(page, os::page_bytes())) _exit(1);
}

void forward(int signal, siginfo_t* info, void* context) { handler.forward(signal, info, context); }

void handle_before(int, siginfo_t*, void*) {
  calls_before = calls_before + 1;
  if (page != nullptr && !os::commit(page, os::page_bytes())) _exit(1);
}

void set_handler(void (*function)(int, siginfo_t*, void*)) {
  struct sigaction action {};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO;
  ASSERT_EQ(sigaction(SIGSEGV, &action, nullptr), 0);
}

void ignore() {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  sigaction(SIGSEGV, &action, nullptr);
}

void set_default() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(SIGSEGV, &action, nullptr);
}

// What only x86-64 says.
[[nodiscard]] os::Access on_x86(os::Access access) {
#if defined(__x86_64__)
  return access;
#else
  static_cast<void>(access);
  return os::Access::kUnknown;
#endif
}

// Each in a process of its own, for there is one handler.
void tell_accesses_apart() {
  if (!handler.install(look)) _exit(1);
  page = forbidden_page();
  write_to(page + 5);
  if (seen.address != reinterpret_cast<std::uintptr_t>(page + 5)) _exit(2);
  if (!seen.is_protection || seen.access != on_x86(os::Access::kWrite)) _exit(3);
  page = forbidden_page();
  read_from(page);
  if (seen.access != on_x86(os::Access::kRead)) _exit(4);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (seen.sp > here + 4096 || seen.sp + 4096 < here || seen.ip == 0) _exit(5);
  _exit(0);
}

void forward_to_the_one_before() {
  set_handler(handle_before);
  if (!handler.install(forward)) _exit(1);
  page = forbidden_page();
  write_to(page);
  if (calls_before != 1) _exit(2);
  page = nullptr;
  raise(SIGSEGV);
  _exit(calls_before == 2 ? 0 : 3);
}

void die_as_without_it(bool by_fault) {
  set_default();
  if (!handler.install(forward)) _exit(1);
  page = forbidden_page();
  if (by_fault) write_to(page);
  raise(SIGSEGV);
  _exit(2);
}

void ignore_what_was_sent() {
  ignore();
  if (!handler.install(forward)) _exit(1);
  raise(SIGSEGV);
  _exit(0);
}

// A processor without keys raises none of these: what the kernel would say is made up.
TEST(Fault, AKeyIsAProtection) {
  const ucontext_t context{};
  siginfo_t info{};
  for (const int code : {SEGV_MAPERR, SEGV_ACCERR, SEGV_PKUERR}) {
    info.si_code = code;
    const os::Fault fault = os::fault_of(&info, &context);
    EXPECT_EQ(fault.is_protection, code != SEGV_MAPERR);
    EXPECT_EQ(fault.is_of_key, code == SEGV_PKUERR);
  }
}

TEST(FaultDeathTest, ReadsAndWritesAreToldApart) {
  EXPECT_EXIT(tell_accesses_apart(), testing::ExitedWithCode(0), "");
}

TEST(FaultDeathTest, TheHandlerFromBeforeIsCalled) {
  EXPECT_EXIT(forward_to_the_one_before(), testing::ExitedWithCode(0), "");
}

TEST(FaultDeathTest, WithoutOneTheProgramDies) {
  EXPECT_EXIT(die_as_without_it(true), testing::KilledBySignal(SIGSEGV), "");
  EXPECT_EXIT(die_as_without_it(false), testing::KilledBySignal(SIGSEGV), "");
}

TEST(FaultDeathTest, ASignalThatWasIgnoredStillIs) {
  EXPECT_EXIT(ignore_what_was_sent(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace luna
