// SPDX-License-Identifier: MIT
#include "os/thread_stop.hpp"

#include "os/clock.hpp"
#include "os/memory.hpp"
#include "os/system_call.hpp"
#include "os/tracer.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace luna::os {

struct ThreadStop::Workspace : Tracer {
  alignas(16) std::array<std::byte, std::size_t{64} * 1024> stack;
};

ThreadStop::~ThreadStop() {
  static_cast<void>(resume());
  if (tracer_ != nullptr) release(tracer_, sizeof(Workspace));
}

bool ThreadStop::begin() noexcept {
  if (tracer_ == nullptr) tracer_ = static_cast<Workspace*>(map(sizeof(Workspace)));
  return tracer_ != nullptr;
}

std::size_t ThreadStop::bytes() const noexcept { return sizeof(Workspace); }

std::size_t ThreadStop::count() const noexcept { return tracer_ != nullptr ? tracer_->count : 0; }

bool ThreadStop::stop(std::uint64_t limit_ms) noexcept {
  if (start(limit_ms, false)) return true;
  // The Yama module lets a process be traced by its ancestors only, unless it asks.
  return tracer_->error == EPERM && start(limit_ms, true);
}

bool ThreadStop::start(std::uint64_t limit_ms, bool asks) noexcept {
  tracer_->begin(limit_ms);
  const int saved = errno;
  id_ = ::clone([](void* tracer) { return static_cast<Workspace*>(tracer)->run(); },
                tracer_->stack.data() + tracer_->stack.size(), CLONE_VM | CLONE_UNTRACED, tracer_);
  errno = saved;
  if (id_ <= 0) {
    id_ = 0;
    tracer_->error = EAGAIN;
    return false;
  }
  asked_ = asks && system_call(SYS_prctl, PR_SET_PTRACER, id_, 0, 0, 0) == 0;
  const bool may_work = !asks || asked_;
  tracer_->tell(may_work ? Tracer::kGo : Tracer::kLetGo);
  if (may_work && tracer_->wait_while(Tracer::kGo, limit_ms + Tracer::kGraceMs) == Tracer::kStopped)
    return true;
  end();
  return false;
}

bool ThreadStop::resume() noexcept {
  if (id_ == 0) return false;
  const bool stood = tracer_->tell_if(Tracer::kStopped, Tracer::kLetGo);
  end();
  return stood;
}

// The tracer is about to end by itself; if it does not, those that it has stopped are
// resumed by the kernel when it is killed.
void ThreadStop::end() noexcept {
  tracer_->tell(Tracer::kLetGo);
  const std::uint64_t begin = nanoseconds();
  for (bool killed = false; !killed;) {
    int status = 0;
    const long id = system_call(SYS_wait4, id_, &status, __WALL | WNOHANG, nullptr);
    if (id != 0 && id != -EINTR) break;
    system_call(SYS_sched_yield);
    killed = nanoseconds() - begin > Tracer::kGraceMs * 1'000'000;
    if (!killed) continue;
    system_call(SYS_kill, id_, SIGKILL);
    system_call(SYS_wait4, id_, &status, __WALL, nullptr);
  }
  id_ = 0;
  if (asked_) system_call(SYS_prctl, PR_SET_PTRACER, 0, 0, 0, 0);
  asked_ = false;
}

ThreadRegisters ThreadStop::registers(std::size_t index) const noexcept {
  return tracer_->threads[index].registers();
}

}  // namespace luna::os
