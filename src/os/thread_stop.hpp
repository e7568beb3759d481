// SPDX-License-Identifier: MIT
// Stops the other threads of the process for a moment and tells what is in their
// registers, by ptrace: no signal handler runs, and no signal is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace luna::os {

// What a thread had in its registers.
struct ThreadRegisters {
  std::uintptr_t stack_pointer = 0;  // less what functions may use below it
  std::span<const std::uintptr_t> words;
};

// A thread cannot trace its own process, so a second process does it that has the same
// memory, for as long as the threads stand. System calls in which threads wait go on
// after that, but for the few that the kernel ends with EINTR whenever a thread was
// stopped: epoll_wait(), semop(), sigtimedwait() and others that signal(7) lists.
//
// Owns its mapped memory. Threads: one at a time.
class ThreadStop {
 public:
  ThreadStop() noexcept = default;
  ~ThreadStop();

  ThreadStop(const ThreadStop&) = delete;
  ThreadStop& operator=(const ThreadStop&) = delete;

  // Maps memory. False: the kernel refuses.
  [[nodiscard]] bool begin() noexcept;

  // Stops all threads but the calling one. False: they are not stopped; there are too many,
  // it took longer than the limit, or it is not permitted. With a limit of 0 none is
  // touched: true if there is none. Requires: begin() was true, no thread that is stopped is
  // waited for until resume(), and a SignalGuard.
  [[nodiscard]] bool stop(std::uint64_t limit_ms) noexcept;
  // False: they did not stand until now, or were not stopped.
  bool resume() noexcept;

  // Calls visit(const ThreadRegisters&) for each thread that is, or was, stopped.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    for (std::size_t i = 0; i < count(); ++i) visit(registers(i));
  }
  [[nodiscard]] std::size_t count() const noexcept;

  // The memory that it maps, in which the registers are.
  [[nodiscard]] const void* memory() const noexcept { return tracer_; }
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  struct Workspace;

  [[nodiscard]] ThreadRegisters registers(std::size_t index) const noexcept;
  [[nodiscard]] bool start(std::uint64_t limit_ms, bool asks) noexcept;
  void end() noexcept;

  Workspace* tracer_ = nullptr;
  long id_ = 0;         // of the tracing process; 0: there is none
  bool asked_ = false;  // for the permission to be traced by it
};

}  // namespace luna::os
