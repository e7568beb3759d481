// SPDX-License-Identifier: MIT
#include "telemetry/live_table.hpp"

#include "os/memory.hpp"

#include <bit>

namespace luna {

namespace {

constexpr std::size_t kMinPlaces = 16;
constexpr std::size_t kFirstPlaces = 512;

}  // namespace

bool LiveTable::begin(std::size_t bytes) noexcept {
  const std::size_t places = std::bit_floor(bytes / sizeof(LiveSample));
  if (places < kMinPlaces || !use_places(places < kFirstPlaces ? places : kFirstPlaces))
    return false;
  max_places_ = places;
  return true;
}

// False: the kernel refuses, and nothing has changed.
bool LiveTable::use_places(std::size_t places) noexcept {
  auto* memory = static_cast<LiveSample*>(os::map(places * sizeof(LiveSample)));
  if (memory == nullptr) return false;
  places_ = memory;
  mask_ = places - 1;
  shift_ = 64 - std::countr_zero(places);
  return true;
}

bool LiveTable::grow() noexcept {
  const std::size_t old_places = mask_ + 1;
  LiveSample* old = places_;
  if (old_places >= max_places_ || !use_places(2 * old_places)) return false;
  for (std::size_t i = 0; i < old_places; ++i)
    if (old[i].address != 0) put(old[i]);
  os::release(old, old_places * sizeof(LiveSample));
  return true;
}

void LiveTable::put(const LiveSample& sample) noexcept {
  std::size_t at = home_of(sample.address);
  while (places_[at].address != 0) at = (at + 1) & mask_;
  places_[at] = sample;
}

void LiveTable::insert(const LiveSample& sample) noexcept {
  put(sample);
  ++count_;
}

LiveSample* LiveTable::find(std::uintptr_t address) noexcept {
  if (count_ == 0) return nullptr;
  for (std::size_t at = home_of(address); places_[at].address != 0; at = (at + 1) & mask_)
    if (places_[at].address == address) return &places_[at];
  return nullptr;
}

// After Knuth's algorithm R (6.4): whatever may not stand before the gap fills it.
void LiveTable::erase(LiveSample* sample) noexcept {
  auto gap = static_cast<std::size_t>(sample - places_);
  for (std::size_t at = (gap + 1) & mask_; places_[at].address != 0; at = (at + 1) & mask_) {
    const std::size_t home = home_of(places_[at].address);
    if (((at - home) & mask_) < ((at - gap) & mask_)) continue;  // its home is behind the gap
    places_[gap] = places_[at];
    gap = at;
  }
  places_[gap].address = 0;
  --count_;
}

}  // namespace luna
