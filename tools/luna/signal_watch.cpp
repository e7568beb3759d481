// SPDX-License-Identifier: MIT
#include "signal_watch.hpp"

#include <atomic>
#include <cstdlib>

namespace luna::tool {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<int> noted = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // for the handler

void note(int signal) { noted = signal; }

}  // namespace

SignalWatch::SignalWatch() {
  struct sigaction action {};
  action.sa_handler = note;  // without SA_RESTART: what waits is to look
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    // What is ignored, as by nohup, stays so.
    if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

SignalWatch::~SignalWatch() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i)
    sigaction(kSignals[i], &before_[i], nullptr);
}

void SignalWatch::look() {
  if (const int signal = noted.exchange(0); signal != 0) throw Interrupted(signal);
}

void SignalWatch::end_by(int signal) {
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  std::_Exit(128 + signal);  // it is blocked
}

}  // namespace luna::tool
