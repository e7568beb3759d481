// SPDX-License-Identifier: MIT
#include "os/request_signal.hpp"

#include <signal.h>

#include <cerrno>

namespace luna::os {

namespace {

// Those that stop, end or accuse a process keep their meaning.
[[nodiscard]] bool is_fit(std::uint64_t signal) noexcept {
  if (signal >= static_cast<std::uint64_t>(SIGRTMIN) &&
      signal <= static_cast<std::uint64_t>(SIGRTMAX))
    return true;
  switch (signal) {
    case SIGHUP:
    case SIGUSR1:
    case SIGUSR2:
    case SIGURG:
    case SIGVTALRM:
    case SIGPROF:
    case SIGWINCH:
    case SIGIO:
    case SIGPWR:
      return true;
    default:
      return false;
  }
}

}  // namespace

RequestSignal handle_request(std::uint64_t signal, void (*function)(int signal)) noexcept {
  if (!is_fit(signal)) return RequestSignal::kUnfit;
  const int kept_errno = errno;
  const int number = static_cast<int>(signal);
  struct sigaction previous {};
  struct sigaction action {};
  action.sa_handler = function;
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  bool taken = ::sigaction(number, nullptr, &previous) != 0;
  taken = taken || (previous.sa_flags & SA_SIGINFO) != 0 ||
          (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN);
  taken = taken || ::sigaction(number, &action, nullptr) != 0;
  errno = kept_errno;
  return taken ? RequestSignal::kTaken : RequestSignal::kDone;
}

}  // namespace luna::os
