// SPDX-License-Identifier: MIT
// Faults of the processor as signals: what was accessed and where, and a handler that stands
// in front of the one that was there before.
#pragma once

#include "base/function_pointer.hpp"

#include <signal.h>

#include <atomic>
#include <cstdint>

namespace luna::os {

enum class Access : std::uint8_t { kUnknown, kRead, kWrite };

// What the kernel says of a fault, and where the thread was.
struct Fault {
  std::uintptr_t address = 0;
  Access access = Access::kUnknown;
  bool is_protection = false;  // the address is mapped, but without this right
  bool is_of_key = false;      // so it is: the thread has no right to the key that it carries
  std::uintptr_t ip = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t fp = 0;
  std::uintptr_t extra = 0;  // rbx, x30
};

// For a signal handler, of its arguments.
[[nodiscard]] Fault fault_of(const siginfo_t* info, const void* context) noexcept;

// SIGSEGV's handler, and the one before it. A program that installs its own later takes the
// place of this one, and is not told of it.
//
// Threads: install() one; the others any, from within the signal handler.
class FaultHandler {
 public:
  using Function = void (*)(int signal, siginfo_t* info, void* context);

  constexpr FaultHandler() noexcept = default;
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;

  // Runs on the alternate stack where the thread has one. Calling it again changes nothing.
  // False: the kernel refuses.
  [[nodiscard]] bool install(Function function) noexcept;

  // Does what would have been done with the signal without install().
  void forward(int signal, siginfo_t* info, void* context) noexcept;

  // Puts the handler from before in its place: a fault that happens again goes there.
  void restore() noexcept;

 private:
  [[nodiscard]] struct sigaction previous() const noexcept;

  struct sigaction previous_ {};  // but for its function
  FunctionPointer<Function> previous_function_;
  std::atomic<bool> installed_{false};
};

}  // namespace luna::os
