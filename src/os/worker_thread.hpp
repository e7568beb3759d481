// SPDX-License-Identifier: MIT
// A thread of the library's own, beside those of the program: with a name, with all signals
// blocked, and in nobody's way when the process exits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna::os {

// Threads: any, but for resume_child(). What hangs on it lives as long as the process.
class WorkerThread {
 public:
  static constexpr std::size_t kStackBytes = std::size_t{256} << 10;

  constexpr WorkerThread() noexcept = default;
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  // Has it run `work(context)`, which does not return, unless it runs already. False: there can
  // be no more threads. Leaves errno as it was. Allocates: not for use inside malloc.
  // `name`, of at most 15 characters, lives on.
  [[nodiscard]] bool start(void (*work)(void* context), void* context,
                           const char* name = "lunalloc") noexcept;

  [[nodiscard]] bool is_running() const noexcept {
    return started_.load(std::memory_order_relaxed);
  }

  // For the thread itself: returns after so long, or when somebody wakes it, which is true; at
  // once if somebody did since the last time.
  bool sleep(std::uint64_t milliseconds) noexcept;

  // Cheap if it is awake or about to be.
  void wake() noexcept;

  // In the child of a fork there is no such thread.
  void resume_child() noexcept;

 private:
  static void* run(void* self) noexcept;

  std::atomic<bool> started_{false};
  std::atomic<std::uint32_t> woken_{0};
  void (*work_)(void*) = nullptr;
  void* context_ = nullptr;
  const char* name_ = nullptr;
};

}  // namespace luna::os
