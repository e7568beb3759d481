// SPDX-License-Identifier: MIT
#include "telemetry/label_table.hpp"

#include "telemetry/slot_memory.hpp"

#include <array>
#include <cstring>

namespace luna {

namespace {

using Length = std::uint16_t;

// Labels on their way into the table: those of a set, and one that was missing.
class PackedLabels {
 public:
  void add(const Label& label) noexcept {
    add_text(label.key);
    add_text(label.value);
  }

  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), bytes_}; }

 private:
  static constexpr std::size_t kMostBytes =
      (kMostLabels + 1) * (1 + kMostKeyBytes + 1 + kMostValueBytes);

  void add_text(std::string_view text) noexcept {
    text_[bytes_++] = static_cast<char>(text.size());
    std::memcpy(text_.data() + bytes_, text.data(), text.size());
    bytes_ += text.size();
  }

  std::array<char, kMostBytes> text_;
  std::size_t bytes_ = 0;
};

// With a last mix, for the low bits choose the slot.
[[nodiscard]] std::uint64_t hash_of(std::string_view text) noexcept {
  const std::uint64_t hash = hash_text(text);
  return hash ^ hash >> 32;
}

}  // namespace

std::uint32_t LabelTable::with(std::uint32_t set, const Label& label) noexcept {
  PackedLabels packed;
  bool is_there = false;
  at(set).for_each([&](const Label& old) noexcept {
    if (!is_there && label.key <= old.key) {
      packed.add(label);
      is_there = true;
    }
    if (old.key != label.key) packed.add(old);
  });
  if (!is_there) packed.add(label);
  return find_or_add(packed.view());
}

std::uint32_t LabelTable::without(std::uint32_t set, std::string_view key) noexcept {
  const Labels labels = at(set);
  if (!labels.has(key)) return set;
  PackedLabels packed;
  labels.for_each([&](const Label& old) noexcept {
    if (old.key != key) packed.add(old);
  });
  return packed.view().empty() ? kNone : find_or_add(packed.view());
}

Labels LabelTable::at(std::uint32_t set) const noexcept {
  if (set == kNone || set == kLost) return {};
  Length length = 0;
  std::memcpy(&length, texts_ + set, sizeof length);
  return Labels({texts_ + set + sizeof length, length});
}

bool LabelTable::begin() noexcept {
  if (slots_ != nullptr) return true;
  const SlotMemory memory = map_slots(limit_);
  if (memory.slots == nullptr) return false;
  slots_ = memory.slots;
  slot_mask_ = static_cast<std::uint32_t>(memory.count - 1);
  texts_ = memory.rest;
  used_ = 1;  // lest a set be named kNone
  capacity_ = memory.rest_bytes;
  return true;
}

std::uint32_t LabelTable::find_or_add(std::string_view packed) noexcept {
  const auto hash = static_cast<std::uint32_t>(hash_of(packed));
  os::ScopedLock guard(lock_);
  if (!begin()) return kLost;
  for (std::uint32_t slot = hash;; ++slot) {
    std::uint32_t& place = slots_[slot & slot_mask_];
    if (place != 0 && at(place).packed() != packed) continue;
    if (place != 0) return place;
    const std::uint32_t added = add(packed);
    if (added != kLost) place = added;
    return added;
  }
}

std::uint32_t LabelTable::add(std::string_view packed) noexcept {
  const auto length = static_cast<Length>(packed.size());
  if (count_ > slot_mask_ / 2 || capacity_ - used_ < sizeof length + length) return kLost;
  const std::size_t place = used_;
  std::memcpy(texts_ + place, &length, sizeof length);
  std::memcpy(texts_ + place + sizeof length, packed.data(), length);
  used_ += sizeof length + length;
  ++count_;
  return static_cast<std::uint32_t>(place);
}

}  // namespace luna
