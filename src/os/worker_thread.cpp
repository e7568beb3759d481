// SPDX-License-Identifier: MIT
#include "os/worker_thread.hpp"

#include "os/system_call.hpp"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include <cerrno>

namespace luna::os {

namespace {

// Said here, for the C library takes a lock to find the size that is usual.
constexpr std::size_t kLargeStackBytes = std::size_t{8} << 20;

// A process with much static TLS has no room for it on a small stack.
[[nodiscard]] bool create_thread(void* (*run)(void*), void* argument) noexcept {
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, WorkerThread::kStackBytes);
  bool created = ::pthread_create(&thread, &attributes, run, argument) == 0;
  ::pthread_attr_destroy(&attributes);
  if (created || ::pthread_attr_init(&attributes) != 0) return created;
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  ::pthread_attr_setstacksize(&attributes, kLargeStackBytes);
  created = ::pthread_create(&thread, &attributes, run, argument) == 0;
  ::pthread_attr_destroy(&attributes);
  return created;
}

}  // namespace

bool WorkerThread::start(void (*work)(void* context), void* context, const char* name) noexcept {
  if (is_running() || started_.exchange(true, std::memory_order_relaxed)) return true;
  const int kept_errno = errno;
  work_ = work;
  context_ = context;
  name_ = name;
  // A new thread has the signals blocked that its maker has. Not by a system call, which would
  // block those too that the C library needs, as for setuid() in all threads.
  sigset_t all;
  sigset_t previous;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &previous);
  const bool created = create_thread(&WorkerThread::run, this);
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  if (!created) started_.store(false, std::memory_order_relaxed);
  errno = kept_errno;
  return created;
}

void* WorkerThread::run(void* self_pointer) noexcept {
  auto* self = static_cast<WorkerThread*>(self_pointer);
  system_call(SYS_prctl, PR_SET_NAME, self->name_, 0, 0, 0);
  self->work_(self->context_);
  return nullptr;
}

bool WorkerThread::sleep(std::uint64_t milliseconds) noexcept {
  const struct timespec time = {static_cast<time_t>(milliseconds / 1000),
                                static_cast<long>(milliseconds % 1000 * 1'000'000)};
  if (woken_.load(std::memory_order_relaxed) == 0)
    system_call(SYS_futex, &woken_, FUTEX_WAIT_PRIVATE, 0, &time, nullptr, 0);
  return woken_.exchange(0, std::memory_order_relaxed) != 0;
}

void WorkerThread::wake() noexcept {
  if (!is_running() || woken_.exchange(1, std::memory_order_relaxed) != 0) return;
  system_call(SYS_futex, &woken_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void WorkerThread::resume_child() noexcept {
  started_.store(false, std::memory_order_relaxed);
  woken_.store(0, std::memory_order_relaxed);
}

}  // namespace luna::os
