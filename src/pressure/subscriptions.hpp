// SPDX-License-Identifier: MIT
// Who is to be called when memory gets scarce: a table of fixed size, and the calls.
// lunalloc/pressure.h says when a subscriber is called.
#pragma once

#include "base/function_pointer.hpp"
#include "os/lock.hpp"

#include <lunalloc/pressure.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna {

// No lock is held while a callback runs. One thread at a time calls, so that a callback that
// takes another subscriber away never waits for one that waits for it.
//
// Threads: any, but for the functions for fork().
class Subscriptions {
 public:
  struct Subscriber {
    luna_pressure_level level = LUNA_PRESSURE_NONE;
    std::uint64_t min_interval_ms = 0;
    FunctionPointer<luna_pressure_callback> callback;
    void* context = nullptr;
  };

  constexpr Subscriptions() noexcept = default;
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  // Sets the subscription's number before it can be called. False: the table is full.
  [[nodiscard]] bool add(const Subscriber& subscriber, luna_subscription& number) noexcept;

  // False: there is none of that number. Either way its callback does not run afterwards, unless
  // it is what the calling thread is in.
  [[nodiscard]] bool remove(luna_subscription number) noexcept;

  // The two steps of it: takes it away, which returns what remove() does; then until this is false.
  [[nodiscard]] bool take_away(luna_subscription number) noexcept;
  [[nodiscard]] bool is_called_by_another(luna_subscription number) noexcept;

  // Take no lock: who is refused memory asks, wherever that was wanted.
  [[nodiscard]] std::size_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }

  // Calls those whom the event concerns; once more those who were told of fewer refusals. False:
  // a thread is at it, perhaps this one.
  [[nodiscard]] bool tell(const luna_pressure_event& event, std::uint64_t now_ms,
                          std::uint32_t refusals = 0) noexcept;

  // How often a subscriber was called so far.
  [[nodiscard]] std::uint64_t calls() const noexcept {
    return calls_.load(std::memory_order_relaxed);
  }

  // Whether the calling thread is at it: in a callback, or between two.
  [[nodiscard]] bool is_calling() const noexcept;

  // From now on no call begins.
  void end() noexcept { ended_.store(true, std::memory_order_relaxed); }

  void prepare_fork() noexcept { lock_.lock(); }
  void resume_parent() noexcept { lock_.unlock(); }
  // Who was calling is not in the child, unless it is who forked.
  void resume_child() noexcept;

 private:
  struct Place {
    luna_subscription number = 0;  // 0: the place is free
    Subscriber subscriber;
    luna_pressure_level told = LUNA_PRESSURE_NONE;  // at its last call
    std::uint64_t told_ms = 0;
    std::uint32_t refusals = 0;
  };

  [[nodiscard]] Place* find(luna_subscription number) noexcept;
  [[nodiscard]] bool begin_telling() noexcept;
  [[nodiscard]] Subscriber begin_call(Place& place, luna_pressure_level level, std::uint64_t now_ms,
                                      std::uint32_t refusals) noexcept;
  void end_call(bool was_last) noexcept;

  std::atomic<bool> ended_{false};
  os::Lock lock_;
  std::array<Place, LUNA_PRESSURE_SUBSCRIPTIONS> places_{};
  luna_subscription last_number_ = 0;
  std::atomic<std::size_t> count_{0};
  std::atomic<std::uintptr_t> teller_{0};  // the thread that calls; 0: none
  std::atomic<std::uint64_t> calls_{0};
  luna_subscription running_ = 0;  // whose callback it is in; 0: none
};

}  // namespace luna
