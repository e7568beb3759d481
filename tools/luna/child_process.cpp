// SPDX-License-Identifier: MIT
#include "child_process.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <system_error>

namespace luna::tool {

namespace {

constexpr std::array kPassed = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

volatile pid_t child = 0;

// What the terminal sends goes to the child by itself, which is in the same group.
void pass_on(int signal, siginfo_t* info, void*) {
  const int error = errno;
  if (info->si_code <= 0 && info->si_pid != child && child > 0) kill(child, signal);
  errno = error;
}

// Between the two the signals wait.
class PassedSignals {
 public:
  PassedSignals() {
    sigset_t passed;
    sigemptyset(&passed);
    for (const int signal : kPassed) sigaddset(&passed, signal);
    sigprocmask(SIG_BLOCK, &passed, &mask_);
    struct sigaction action {};
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    for (std::size_t i = 0; i < kPassed.size(); ++i) {
      sigaction(kPassed[i], nullptr, &before_[i]);
      // What is ignored, as by nohup, the program ignores too.
      if (before_[i].sa_handler != SIG_IGN) sigaction(kPassed[i], &action, nullptr);
    }
  }
  ~PassedSignals() {
    for (std::size_t i = 0; i < kPassed.size(); ++i) sigaction(kPassed[i], &before_[i], nullptr);
    let_in();
  }
  PassedSignals(const PassedSignals&) = delete;
  PassedSignals& operator=(const PassedSignals&) = delete;

  void let_in() const { sigprocmask(SIG_SETMASK, &mask_, nullptr); }

 private:
  sigset_t mask_;
  std::array<struct sigaction, kPassed.size()> before_;
};

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  const bool is_missing = errno == ENOENT;
  // This process runs on the C library's malloc, and has one thread.
  std::cerr << "luna: " << command[0] << ": " << std::strerror(errno) << '\n';
  _exit(is_missing ? 127 : 126);
}

}  // namespace

ChildEnd run_child(const std::vector<std::string>& command,
                   const std::map<std::string, std::string>& variables,
                   const std::function<void(pid_t)>& began) {
  const PassedSignals signals;
  const pid_t process = fork();
  if (process < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (process == 0) {
    for (const int signal : kPassed) {
      struct sigaction now {};
      sigaction(signal, nullptr, &now);
      if (now.sa_handler != SIG_IGN) std::signal(signal, SIG_DFL);
    }
    signals.let_in();
    become(command, variables);
  }
  child = process;
  if (began) began(process);
  signals.let_in();
  int status = 0;
  rusage usage = {};
  while (wait4(process, &status, 0, &usage) < 0 && errno == EINTR) continue;
  child = 0;
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return {process, signal != 0 ? 128 + signal : WEXITSTATUS(status), signal,
          static_cast<std::uint64_t>(usage.ru_maxrss) << 10};
}

}  // namespace luna::tool
