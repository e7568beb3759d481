// SPDX-License-Identifier: MIT
#include "telemetry/address_ranges.hpp"

#include "base/search.hpp"
#include "base/sort.hpp"
#include "os/memory.hpp"

namespace luna {

AddressRanges::~AddressRanges() {
  if (ranges_ != nullptr) os::release(ranges_, bytes());
}

bool AddressRanges::begin() noexcept {
  ranges_ = static_cast<AddressRange*>(os::map(bytes()));
  return ranges_ != nullptr;
}

void AddressRanges::add(std::uintptr_t begin, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  if (count_ != 0 && ranges_[count_ - 1].end == begin) {
    ranges_[count_ - 1].end += bytes;
  } else if (count_ == kCapacity) {
    overflowed_ = true;
  } else {
    ranges_[count_++] = {begin, begin + bytes};
  }
}

// Afterwards no two of them overlap or touch.
void AddressRanges::sort() noexcept {
  if (count_ == 0) return;
  luna::sort(std::span<AddressRange>(ranges_, count_),
             [](const AddressRange& one, const AddressRange& other) noexcept {
               return one.begin < other.begin;
             });
  std::size_t last = 0;
  for (std::size_t i = 1; i < count_; ++i) {
    if (ranges_[i].begin > ranges_[last].end)
      ranges_[++last] = ranges_[i];
    else if (ranges_[i].end > ranges_[last].end)
      ranges_[last].end = ranges_[i].end;
  }
  count_ = last + 1;
}

std::size_t AddressRanges::first_ending_behind(std::uintptr_t address) const noexcept {
  return partition_point(
      std::span<const AddressRange>(ranges_, count_),
      [address](const AddressRange& range) noexcept { return range.end <= address; });
}

bool AddressRanges::overlap(const AddressRange& range) const noexcept {
  const std::size_t at = first_ending_behind(range.begin);
  return at < count_ && ranges_[at].begin < range.end;
}

AddressRange AddressRanges::take_outside(AddressRange& range) const noexcept {
  std::size_t at = first_ending_behind(range.begin);
  AddressRange outside = range;
  if (at < count_ && ranges_[at].begin <= range.begin) outside.begin = ranges_[at++].end;
  if (outside.begin > range.end) outside.begin = range.end;
  if (at < count_ && ranges_[at].begin < range.end) outside.end = ranges_[at].begin;
  range.begin = outside.end;
  return outside;
}

}  // namespace luna
