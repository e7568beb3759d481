// SPDX-License-Identifier: MIT
#include "pressure/subscriptions.hpp"

#include "os/clock.hpp"

namespace luna {

namespace {

[[nodiscard]] std::uintptr_t this_thread() noexcept {
  return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

}  // namespace

bool Subscriptions::add(const Subscriber& subscriber, luna_subscription& number) noexcept {
  os::ScopedLock guard(lock_);
  Place* place = find(0);
  if (place == nullptr) return false;
  *place = {};
  place->subscriber = subscriber;
  place->number = number = ++last_number_;
  count_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Subscriptions::Place* Subscriptions::find(luna_subscription number) noexcept {
  for (Place& place : places_)
    if (place.number == number) return &place;
  return nullptr;
}

bool Subscriptions::remove(luna_subscription number) noexcept {
  const bool found = take_away(number);
  // Seldom, and for as long as the program's callback takes: not worth a queue.
  while (is_called_by_another(number)) os::sleep_milliseconds(1);
  return found;
}

bool Subscriptions::take_away(luna_subscription number) noexcept {
  if (number == 0) return false;
  os::ScopedLock guard(lock_);
  Place* place = find(number);
  if (place == nullptr) return false;
  *place = {};
  count_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool Subscriptions::is_called_by_another(luna_subscription number) noexcept {
  os::ScopedLock guard(lock_);
  return number != 0 && running_ == number && teller_ != this_thread();
}

bool Subscriptions::begin_telling() noexcept {
  os::ScopedLock guard(lock_);
  if (teller_ != 0) return false;
  teller_ = this_thread();
  return true;
}

bool Subscriptions::is_calling() const noexcept {
  return teller_.load(std::memory_order_relaxed) == this_thread();
}

bool Subscriptions::tell(const luna_pressure_event& event, std::uint64_t now_ms,
                         std::uint32_t refusals) noexcept {
  if (!begin_telling()) return false;
  const auto level = static_cast<luna_pressure_level>(event.level);
  for (Place& place : places_) {
    const Subscriber subscriber = begin_call(place, level, now_ms, refusals);
    if (subscriber.callback == nullptr) continue;
    const luna_pressure_event copy = event;  // of its own, whatever the one before did to his
    subscriber.callback(&copy, subscriber.context);
    end_call(false);
  }
  end_call(true);
  return true;
}

// No callback: it is not to be called.
Subscriptions::Subscriber Subscriptions::begin_call(Place& place, luna_pressure_level level,
                                                    std::uint64_t now_ms,
                                                    std::uint32_t refusals) noexcept {
  os::ScopedLock guard(lock_);
  if (place.number == 0 || ended_.load(std::memory_order_relaxed)) return {};
  const std::uint64_t interval_ms = place.subscriber.min_interval_ms;
  const bool concerned = level >= place.subscriber.level;
  const bool was_concerned = place.told >= place.subscriber.level;
  const bool again =
      (interval_ms != 0 && now_ms - place.told_ms >= interval_ms) || refusals != place.refusals;
  const bool rises = level > place.told;
  place.told = level;
  place.refusals = refusals;
  if (concerned ? !rises && !again : !was_concerned) return {};
  place.told_ms = now_ms;
  running_ = place.number;
  calls_.fetch_add(1, std::memory_order_relaxed);
  return place.subscriber;
}

void Subscriptions::end_call(bool was_last) noexcept {
  os::ScopedLock guard(lock_);
  running_ = 0;
  if (was_last) teller_ = 0;
}

void Subscriptions::resume_child() noexcept {
  if (teller_ != this_thread()) teller_ = running_ = 0;
  lock_.reset_in_child();
}

}  // namespace luna
