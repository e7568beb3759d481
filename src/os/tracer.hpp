// SPDX-License-Identifier: MIT
// What a process that has the memory of this one does to stop its threads, and what the
// two tell each other. Used by thread_stop.cpp alone.
#pragma once

#include "os/thread_stop.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna::os {

struct TracedThread {
  [[nodiscard]] ThreadRegisters registers() const noexcept;

  std::int32_t id;
  bool stands;
  bool is_gone;
  std::uint32_t count;
  std::array<std::uintptr_t, 509> words;  // general registers first, then those of vectors
};

// Mapped, so that all starts as zeros.
//
// Threads: one of each of the two processes; whose turn it is, `state` says.
struct Tracer {
  enum State : std::uint32_t {
    kIdle,
    kGo,       // said by the process: stop them
    kStopped,  // said by the tracer
    kFailed,   // likewise, and none is stopped
    kLetGo,    // said by the process
  };

  static constexpr std::size_t kMaxThreads = 4096;
  static constexpr std::uint64_t kGraceMs = 100;      // for a tracer that is not let run
  static constexpr std::uint64_t kLongestStop = 500;  // in ms

  void begin(std::uint64_t limit_ms) noexcept;

  // In the process that traces.
  int run() noexcept;

  void tell(State now) noexcept;
  [[nodiscard]] bool tell_if(State before, State now) noexcept;
  // Returns the state, which is `now` only when so much time has passed.
  [[nodiscard]] State wait_while(State now, std::uint64_t limit_ms) noexcept;

  std::atomic<std::uint32_t> state;
  int error;  // why it failed
  long process;
  long calling_thread;
  std::uint64_t limit_ms;
  std::uint64_t deadline_ns;
  std::size_t count;
  std::array<TracedThread, kMaxThreads> threads;
  alignas(8) std::array<std::byte, 32 * 1024> entries;  // of a directory

 private:
  [[nodiscard]] bool stop_all() noexcept;
  [[nodiscard]] bool seize_all() noexcept;
  [[nodiscard]] bool seize_listed(std::size_t bytes) noexcept;
  [[nodiscard]] bool seize(long id) noexcept;
  [[nodiscard]] bool has_ended(long id) const noexcept;
  [[nodiscard]] bool is_known(long id) const noexcept;
  [[nodiscard]] bool await(TracedThread& thread) noexcept;
  [[nodiscard]] bool read_registers(TracedThread& thread) noexcept;
  void let_go() noexcept;
  bool fail(long result) noexcept;
};

}  // namespace luna::os
