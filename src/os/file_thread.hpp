// SPDX-License-Identifier: MIT
// A thread with a table of descriptors of its own, for a thread of the library's that reads files
// while the program runs: what it opens takes no number from the program, not even for a moment,
// and what the program closes or puts elsewhere is none of its. docs/adr/0026.
#pragma once

#include "base/function_pointer.hpp"
#include "os/worker_thread.hpp"

#include <atomic>
#include <cstdint>

namespace luna::os {

// It works while who asked it to waits: they are one at a time, on two threads.
//
// Threads: that which it works for, but for resume_child().
class FileThread {
 public:
  constexpr FileThread() noexcept = default;
  FileThread(const FileThread&) = delete;
  FileThread& operator=(const FileThread&) = delete;

  // Starts it unless it is there. False: there can be no more threads, or the kernel gives it no
  // table of its own (before Linux 5.9, and where a sandbox refuses close_range). Allocates.
  bool start() noexcept;

  [[nodiscard]] bool is_running() const noexcept { return thread_.is_running(); }

  // Has `work(context)` done there, or by the caller if it is not running; it is done then.
  void run(void (*work)(void* context), void* context) noexcept;

  // Returns when it has ended, and all that was open there is closed.
  void end() noexcept;

  // In the child of a fork it is not there, nor what it had open.
  void resume_child() noexcept;

 private:
  static void serve(void* self) noexcept;
  void take_turns() noexcept;
  void give_turn(void (*work)(void*), void* context) noexcept;  // nullptr: it is to end
  void wait_for_turn() noexcept;
  void give_turn_back() noexcept;

  WorkerThread thread_;
  std::atomic<std::uint32_t> turn_{0};  // whose it is: of who asks, or of the thread
  bool is_refused_ = false;             // a table of its own
  FunctionPointer<void (*)(void*)> work_;
  void* context_ = nullptr;
};

// Gives the calling thread an empty table of descriptors. The others keep theirs: files that are
// open there stay so, and no lock on them is let go. Requires: another thread has the same table,
// and lives meanwhile. False: the kernel cannot, or may not; nothing has changed.
[[nodiscard]] bool take_own_descriptors() noexcept;

}  // namespace luna::os
