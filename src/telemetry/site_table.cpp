// SPDX-License-Identifier: MIT
#include "telemetry/site_table.hpp"

#include "os/memory.hpp"

#include <bit>
#include <cstring>

namespace luna {

namespace {

constexpr std::size_t kMinSites = 16;

// What a site takes on the average, with its slots and with the frames of its stack.
constexpr std::size_t kFramesPerSite = 20;
constexpr std::size_t kMinSlotsPerSite = 2;
constexpr std::size_t kMaxSlotsPerSite = 2 * kMinSlotsPerSite;  // their number is a power of two
constexpr std::size_t kBytesPerSite = sizeof(Site) + kMaxSlotsPerSite * sizeof(std::uint32_t) +
                                      kFramesPerSite * sizeof(std::uintptr_t);

// FNV-1a by words, with a last mix, for the low bits choose the slot.
[[nodiscard]] std::uint64_t hash_of(const Stack& stack, const Labels& labels) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < stack.depth; ++i) hash = (hash ^ stack.frames[i]) * 0x100000001b3;
  // One of a kind by its place; as a frame, so that sites without labels pay nothing.
  if (!labels.empty())
    hash = (hash ^ reinterpret_cast<std::uintptr_t>(labels.packed().data())) * 0x100000001b3;
  return hash ^ hash >> 32;
}

[[nodiscard]] bool is_same(const Stack& one, const Stack& other) noexcept {
  return one.depth == other.depth &&
         std::memcmp(one.frames, other.frames, one.depth * sizeof *one.frames) == 0;
}

}  // namespace

bool SiteTable::begin(std::size_t bytes) noexcept {
  const std::size_t capacity = bytes / kBytesPerSite;
  if (capacity < kMinSites || capacity > UINT32_MAX / 4) return false;
  auto* memory = static_cast<std::byte*>(os::map(capacity * kBytesPerSite));
  if (memory == nullptr) return false;
  sites_ = reinterpret_cast<Site*>(memory);
  frames_ = reinterpret_cast<std::uintptr_t*>(memory + capacity * sizeof(Site));
  max_frames_ = capacity * kFramesPerSite;
  slots_ = reinterpret_cast<std::uint32_t*>(frames_ + max_frames_);
  slot_mask_ = static_cast<std::uint32_t>(std::bit_ceil(capacity * kMinSlotsPerSite) - 1);
  capacity_ = static_cast<std::uint32_t>(capacity);
  return true;
}

std::uint32_t SiteTable::find_or_add(const Stack& stack, const Labels& labels) noexcept {
  const std::uint64_t hash = hash_of(stack, labels);
  for (auto slot = static_cast<std::uint32_t>(hash);; ++slot) {
    std::uint32_t& place = slots_[slot & slot_mask_];
    if (place == 0) {
      const std::uint32_t index = add(stack, labels, hash);
      if (index != kNone) place = index + 1;
      return index;
    }
    const Site& site = sites_[place - 1];
    if (site.hash == hash && is_same(site.stack, stack) && site.labels.is_same(labels))
      return place - 1;
  }
}

std::uint32_t SiteTable::add(const Stack& stack, const Labels& labels,
                             std::uint64_t hash) noexcept {
  if (count_ == capacity_ || max_frames_ - used_frames_ < stack.depth) return kNone;
  std::uintptr_t* frames = frames_ + used_frames_;
  std::memcpy(frames, stack.frames, stack.depth * sizeof *frames);
  used_frames_ += stack.depth;
  Site& site = sites_[count_];  // the kernel's zeros
  site.hash = hash;
  site.stack = {frames, stack.depth};
  site.labels = labels;
  return count_++;
}

std::size_t SiteTable::bytes() const noexcept { return capacity_ * kBytesPerSite; }

std::size_t SiteTable::used_bytes() const noexcept {
  return count_ * (sizeof(Site) + sizeof(std::uint32_t)) + used_frames_ * sizeof *frames_;
}

}  // namespace luna
