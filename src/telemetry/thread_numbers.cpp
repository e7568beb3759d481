// SPDX-License-Identifier: MIT
#include "telemetry/thread_numbers.hpp"

namespace luna {

std::uint32_t ThreadNumbers::add(std::uintptr_t key, ThreadLabel label) noexcept {
  if (count_ == kMaxThreads || last_ == UINT32_MAX) return kNone;
  label.number = ++last_;
  places_[place_of(key)] = {key, label.number};
  labels_[label.number % kLabels] = label;
  ++count_;
  return label.number;
}

std::uint32_t ThreadNumbers::add_caller(std::uintptr_t key) noexcept {
  if (count_ == kMaxThreads) return kNone;  // no system calls in vain
  ThreadLabel label;
  label.id = static_cast<std::uint32_t>(os::thread_id());
  static_cast<void>(os::thread_name(label.name.data(), label.name.size() - 1));
  return add(key, label);
}

// What is erased leaves no mark: those behind it that could stand there move up.
void ThreadNumbers::forget(std::uintptr_t key) noexcept {
  std::size_t hole = place_of(key);
  if (places_[hole].key == 0) return;
  --count_;
  for (std::size_t at = (hole + 1) % kPlaces; places_[at].key != 0; at = (at + 1) % kPlaces) {
    const std::size_t way = (at - home_of(places_[at].key)) % kPlaces;
    if (way < (at - hole) % kPlaces) continue;
    places_[hole] = places_[at];
    hole = at;
  }
  places_[hole] = {};
}

void ThreadNumbers::keep_caller() noexcept {
  const std::uintptr_t key = os::thread_key();
  const std::uint32_t number = find(key);
  places_ = {};
  count_ = 0;
  if (number == kNone) return;
  places_[place_of(key)] = {key, number};
  count_ = 1;
}

}  // namespace luna
