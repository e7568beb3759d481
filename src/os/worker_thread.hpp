// SPDX-License-Identifier: MIT
// A thread of the library's own, beside those of the program: with a name, with all signals
// blocked, and in nobody's way when the process exits.
#pragma once

#include "base/function_pointer.hpp"
#include "os/own_file.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace luna::os {

// What a sleep may end for, beside being woken.
struct AwaitedFile {
  int number = -1;      // below 0: none
  bool urgent = false;  // awaits what poll(2) calls exceptional, else that there is data
  // Set by the sleep.
  bool ready = false;
  bool broken = false;  // an error, the end, or no such descriptor
};

// Threads: any, but for resume_child(). What hangs on it lives as long as the process.
class WorkerThread {
 public:
  static constexpr std::size_t kStackBytes = std::size_t{256} << 10;

  constexpr WorkerThread() noexcept = default;
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  // Has it run `work(context)`, unless it runs already. That may return only when ends() or
  // is_stopped() was true. What makes it wanted is to be set before. False: there can be no more
  // threads, or stop() was called. Leaves errno as it was. Allocates: not for use inside malloc.
  // `name`, of at most 15 characters, lives on.
  [[nodiscard]] bool start(void (*work)(void* context), void* context,
                           const char* name = "lunalloc") noexcept;

  [[nodiscard]] bool is_running() const noexcept {
    return started_.load(std::memory_order_relaxed);
  }

  // For the thread itself: returns after so long, or when somebody wakes it, which is true; at
  // once if somebody did since the last time.
  bool sleep(std::uint64_t milliseconds) noexcept;

  // The same, and it ends as well when something comes of a file. Awaits none of them if no pair
  // of sockets can be made, by which wake() ends such a sleep.
  static constexpr std::size_t kMostFiles = 15;
  bool sleep(std::uint64_t milliseconds, std::span<AwaitedFile> files) noexcept;

  // The same, carried out by another thread for this one, which waits for it: a FileThread, whose
  // files nobody else sees. wake() ends it by a signal, which that thread has blocked; where the
  // program lets the same signal wait for the process, wake() is seen when the time is over.
  bool sleep_apart(std::uint64_t milliseconds, std::span<AwaitedFile> files) noexcept;

  // Whether the caller is the thread itself.
  [[nodiscard]] bool is_current() const noexcept;

  // For the thread itself: whether the program has closed the pair, and so perhaps all that it
  // found. Until then none of its numbers is given to another file of ours.
  [[nodiscard]] bool has_lost_files() const noexcept {
    return read_end_.is_open() && !(read_end_.is_ours() && write_end_.is_ours());
  }

  // For the thread itself: closes what sleeps with files need.
  void forget_files() noexcept;

  // For the thread itself, when it is not wanted: true: it must return from its work at once;
  // false: somebody has wanted it meanwhile.
  [[nodiscard]] bool ends(bool (*is_wanted)() noexcept) noexcept;

  // Whether its work must return at once, and not by ends().
  [[nodiscard]] bool is_stopped() const noexcept {
    return stopped_.load(std::memory_order_relaxed);
  }

  // Has it end for good, and waits so long at most until it has.
  void stop(std::uint64_t milliseconds) noexcept;

  // Cheap if it is awake or about to be.
  void wake() noexcept;

  // In the child of a fork there is no such thread, and what it had open is closed.
  void resume_child() noexcept;

 private:
  static void* run(void* self) noexcept;
  [[nodiscard]] bool open_pair() noexcept;
  void wait_for(std::uint64_t milliseconds, std::span<AwaitedFile> files) noexcept;
  [[nodiscard]] bool is_rung() const noexcept;
  void take_signal(long alarm) noexcept;
  [[nodiscard]] bool take_waking() noexcept;

  std::atomic<bool> started_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<int> number_{0};  // the kernel's, of the one that runs or ran last
  std::atomic<std::uint32_t> woken_{0};
  FunctionPointer<void (*)(void*)> work_;
  void* context_ = nullptr;
  const char* name_ = nullptr;

  // While the thread awaits files: the number of the socket that wakes it, and above it the
  // number of its inode; or the number of the thread that a signal wakes. 0: the futex does.
  std::atomic<std::uint64_t> awaited_{0};
  std::atomic<std::uint32_t> wakers_{0};  // who look at it just now, and may send a signal
  std::atomic<bool> rung_{false};         // one was sent and not yet taken
  OwnFile read_end_;
  OwnFile write_end_;
};

}  // namespace luna::os
