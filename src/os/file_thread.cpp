// SPDX-License-Identifier: MIT
#include "os/file_thread.hpp"

#include "os/system_call.hpp"

#include <linux/futex.h>

namespace luna::os {

namespace {

// Whose turn it is.
constexpr std::uint32_t kAsker = 0;
constexpr std::uint32_t kThread = 1;

// Of Linux 5.9; the C library's headers may be older.
constexpr long kCloseRange = 436;
constexpr unsigned kUnshare = 1U << 1;

constexpr std::uint64_t kRestMs = 3'600'000;

}  // namespace

// All in one call: none of the program's files is open twice, even for a moment, which who waits
// for the other end of a pipe would notice.
bool take_own_descriptors() noexcept { return system_call(kCloseRange, 0U, ~0U, kUnshare) == 0; }

bool FileThread::start() noexcept {
  if (is_running()) return true;
  if (is_refused_) return false;
  turn_.store(kThread, std::memory_order_relaxed);  // to say whether it has a table
  if (!thread_.start(&FileThread::serve, this, "lunalloc-files")) return false;
  wait_for_turn();
  if (is_refused_) end();
  return !is_refused_;
}

void FileThread::run(void (*work)(void* context), void* context) noexcept {
  if (!is_running()) return work(context);
  give_turn(work, context);
}

void FileThread::give_turn(void (*work)(void* context), void* context) noexcept {
  work_ = work;
  context_ = context;
  turn_.store(kThread, std::memory_order_release);  // pairs with the acquire in take_turns()
  thread_.wake();
  wait_for_turn();
}

void FileThread::wait_for_turn() noexcept {
  // pairs with the release in give_turn_back()
  while (turn_.load(std::memory_order_acquire) != kAsker)
    system_call(SYS_futex, &turn_, FUTEX_WAIT_PRIVATE, kThread, nullptr, nullptr, 0);
}

void FileThread::give_turn_back() noexcept {
  turn_.store(kAsker, std::memory_order_release);  // pairs with the acquire in wait_for_turn()
  system_call(SYS_futex, &turn_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void FileThread::serve(void* self) noexcept { static_cast<FileThread*>(self)->take_turns(); }

void FileThread::take_turns() noexcept {
  is_refused_ = !take_own_descriptors();
  give_turn_back();
  for (;;) {
    thread_.sleep(kRestMs);
    // pairs with the release in give_turn()
    if (turn_.load(std::memory_order_acquire) != kThread) continue;
    if (work_ == nullptr) return give_turn_back();
    work_(context_);
    give_turn_back();
  }
}

// Stopped is for good, and it may be wanted again: then it is as in a child.
void FileThread::end() noexcept {
  if (!is_running()) return;
  give_turn(nullptr, nullptr);
  thread_.stop(UINT64_MAX);
  resume_child();
}

void FileThread::resume_child() noexcept {
  thread_.resume_child();
  turn_.store(kAsker, std::memory_order_relaxed);
}

}  // namespace luna::os
