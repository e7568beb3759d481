// SPDX-License-Identifier: MIT
#include "os/fault.hpp"

#include "os/environment.hpp"
#include "os/system_call.hpp"

#include <sys/ucontext.h>

namespace luna::os {

namespace {

[[nodiscard]] bool has_no_function(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) == 0 &&
         (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
}

}  // namespace

Fault fault_of(const siginfo_t* info, const void* context) noexcept {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
  Fault fault;
  fault.is_of_key = info->si_code == SEGV_PKUERR;
  fault.is_protection = fault.is_of_key || info->si_code == SEGV_ACCERR;
  fault.address = reinterpret_cast<std::uintptr_t>(info->si_addr);
#if defined(__x86_64__)
  constexpr greg_t kWriteBit = 2;  // of the processor's error code for page faults
  const auto word = [&](int index) noexcept {
    return static_cast<std::uintptr_t>(machine.gregs[index]);
  };
  fault.access = (machine.gregs[REG_ERR] & kWriteBit) != 0 ? Access::kWrite : Access::kRead;
  fault.ip = word(REG_RIP);
  fault.sp = word(REG_RSP);
  fault.fp = word(REG_RBP);
  fault.extra = word(REG_RBX);
#else
  fault.ip = machine.pc;
  fault.sp = machine.sp;
  fault.fp = machine.regs[29];
  fault.extra = machine.regs[30];
#endif
  return fault;
}

struct sigaction FaultHandler::previous() const noexcept {
  struct sigaction action = previous_;
  action.sa_sigaction = previous_function_;  // in the same place as sa_handler
  return action;
}

bool FaultHandler::install(Function function) noexcept {
  if (installed_.exchange(true, std::memory_order_relaxed)) return true;
  // Read first, for a fault may come as soon as the handler is in place.
  if (::sigaction(SIGSEGV, nullptr, &previous_) != 0) return false;
  previous_function_ = previous_.sa_sigaction;
  previous_.sa_sigaction = nullptr;
  struct sigaction action {};
  action.sa_sigaction = function;
  action.sa_mask = previous_.sa_mask;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous_.sa_flags & SA_NODEFER);
  return ::sigaction(SIGSEGV, &action, nullptr) == 0;
}

void FaultHandler::forward(int signal, siginfo_t* info, void* context) noexcept {
  const struct sigaction before = previous();
  const bool was_sent = info->si_code <= 0;  // by kill() and its like, not by a fault
  if (has_no_function(before) || (static_cast<unsigned>(before.sa_flags) & SA_RESETHAND) != 0) {
    if (was_sent && (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN) return;
    restore();
    // A fault happens again by itself. What was sent is sent again, and comes when this returns.
    if (was_sent) system_call(SYS_tgkill, process_id(), thread_id(), signal);
    return;
  }
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(signal, info, context);
  } else {
    before.sa_handler(signal);
  }
}

void FaultHandler::restore() noexcept {
  const struct sigaction before = previous();
  static_cast<void>(::sigaction(SIGSEGV, &before, nullptr));
}

}  // namespace luna::os
