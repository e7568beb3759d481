// SPDX-License-Identifier: MIT
// The black box of a process: statistics now and then, what happens to it, and who its memory
// is with, in a file that can be read when the process was killed.
#pragma once

#include "blackbox/box_file.hpp"
#include "os/kernel_file.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace luna {

class Allocator;
class Profiler;
struct BoxWorkspace;

struct BoxEvent {
  luna_blackbox_event_kind kind = LUNA_BLACKBOX_MESSAGE;
  luna_blackbox_level level = LUNA_BLACKBOX_NONE;
  std::string_view source = {};  // who noticed, at most 27 characters
  std::uint64_t used_bytes = LUNA_BLACKBOX_UNKNOWN;
  std::uint64_t limit_bytes = LUNA_BLACKBOX_UNKNOWN;
  std::string_view text = {};  // at most kMostText; what is longer is cut off
};

// Nothing is mapped before begin(). A process writes to the box that it began and to no other:
// a copy of it by whatever kind of fork writes nothing.
//
// Threads: tick() and note() any, at once; begin(), and resume_child() in the child, one.
class BlackBox {
 public:
  static constexpr std::uint64_t kIntervalMs = 1000;        // between statistics, at least
  static constexpr std::uint64_t kSitesIntervalMs = 10000;  // between sites
  static constexpr std::uint64_t kRefusedIntervalMs = 100;  // between notes of such
  static constexpr std::size_t kMostText =
      BoxFile::SmallRecord::kMostPayload - sizeof(luna_blackbox_event);

  constexpr BlackBox() noexcept = default;
  BlackBox(const BlackBox&) = delete;
  BlackBox& operator=(const BlackBox&) = delete;

  // Makes the file, and records from now on. Returns 0 or an errno value; then there is none.
  [[nodiscard]] int begin(std::string_view path, std::size_t bytes, const BoxOwner& owner) noexcept;

  // The memory to work with, beside the file; empty: it was never needed.
  [[nodiscard]] std::span<const std::byte> table() const noexcept;

  // Whether tick() is to be called: there is one, or there shall be.
  [[nodiscard]] bool on() const noexcept {
    return state_.load(std::memory_order_relaxed) != State::kOff;
  }

  // Whether tick() has something to do. `now_ms` is of os::coarse_milliseconds().
  [[nodiscard]] bool is_due(std::uint64_t now_ms) const noexcept {
    return now_ms >= due_ms_.load(std::memory_order_relaxed);
  }

  // Records what is due, unless another thread does. Not where a lock of the allocator or of the
  // profiler is held; takes those for a short time. Not for signal handlers. Files of the kernel's
  // are read by `reading`.
  void tick(std::uint64_t now_ms, Allocator& allocator, Profiler& profiler,
            os::FileReading reading = os::read_here) noexcept;

  // Records it at once. Takes no lock: also for signal handlers.
  void note(const BoxEvent& event) noexcept;

  // An allocation got no memory. Counted each time, noted not too often.
  void note_refused() noexcept;

  // The last record: the process ends of its own will. With statistics before it, unless the
  // caller may take no locks.
  void end(Allocator& allocator, Profiler& profiler) noexcept;
  void end_without_statistics(std::string_view text) noexcept;

  // The child has none. If it shall begin one of its own, that is due after a while: most
  // children soon become another program.
  void resume_child(bool begins_own) noexcept;

  // True, once: it is to be begun now.
  [[nodiscard]] bool take_wish() noexcept;

 private:
  enum class State : std::uint8_t { kOff, kWanted, kOn };

  [[nodiscard]] bool is_mine() const noexcept;
  [[nodiscard]] bool try_enter() noexcept;
  void leave() noexcept;
  std::uint64_t record_statistics(Allocator& allocator, Profiler& profiler,
                                  os::FileReading reading) noexcept;
  std::uint64_t record_sites(Profiler& profiler) noexcept;
  void give_up() noexcept;

  BoxFile file_;
  BoxWorkspace* workspace_ = nullptr;
  std::uint64_t process_ = 0;  // whose box it is
  std::atomic<State> state_{State::kOff};
  std::atomic<bool> busy_{false};
  std::atomic<std::uint64_t> due_ms_{0};
  std::uint64_t sites_due_ms_ = 0;  // of who is busy
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> refused_due_ms_{0};
};

}  // namespace luna
