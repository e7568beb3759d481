// SPDX-License-Identifier: MIT
#include "telemetry/runtime_frame_table.hpp"

#include "base/format.hpp"
#include "telemetry/slot_memory.hpp"

#include <cstring>
#include <new>

namespace luna {

namespace {

// With an end that no text has.
[[nodiscard]] std::uint64_t add_to_hash(std::uint64_t hash, std::string_view text) noexcept {
  return (hash_text(text, hash) ^ 0x100) * kHashFactor;
}

[[nodiscard]] std::uint64_t hash_of(const RuntimeFrame& name) noexcept {
  std::uint64_t hash = add_to_hash(add_to_hash(kHashBegin, name.function), name.file);
  hash = (hash ^ name.line) * kHashFactor;
  return hash ^ hash >> 32;  // the low bits choose the slot
}

[[nodiscard]] bool is_same(const RuntimeFrame& one, const RuntimeFrame& other) noexcept {
  return one.line == other.line && one.function == other.function && one.file == other.file;
}

}  // namespace

std::uintptr_t RuntimeFrameTable::find_or_add(const RuntimeFrame& name) noexcept {
  const RuntimeFrame cut = {part_of(name.function, 0, kMostFunctionBytes),
                            part_of(name.file, 0, kMostFileBytes), name.line};
  os::ScopedLock guard(lock_);
  std::uint32_t* slot = begin() ? slot_of(cut) : nullptr;
  const RuntimeFrame* found = nullptr;
  if (slot != nullptr) found = *slot != 0 ? names_ + *slot - 1 : add(cut);
  if (found == nullptr) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  *slot = static_cast<std::uint32_t>(found - names_) + 1;
  return to_runtime_frame(found);
}

bool RuntimeFrameTable::holds(std::uintptr_t frame) const noexcept {
  const std::size_t names = count();
  if (names == 0 || !is_runtime_frame(frame)) return false;
  const std::uintptr_t offset = frame - to_runtime_frame(names_);
  return offset < names * sizeof(RuntimeFrame) && offset % sizeof(RuntimeFrame) == 0;
}

bool RuntimeFrameTable::begin() noexcept {
  if (slots_ != nullptr) return true;
  // An eighth of it is slots and five are names, so that two are left for texts: 32 bytes for each
  // name.
  const SlotMemory memory = map_slots(limit_);
  if (memory.slots == nullptr) return false;
  const std::size_t names_bytes = memory.count / 2 * sizeof(RuntimeFrame);
  slots_ = memory.slots;
  slot_mask_ = memory.count - 1;
  names_ = reinterpret_cast<RuntimeFrame*>(memory.rest);
  texts_ = memory.rest + names_bytes;
  capacity_ = memory.rest_bytes - names_bytes;
  return true;
}

// Where the name is, or belongs.
std::uint32_t* RuntimeFrameTable::slot_of(const RuntimeFrame& name) const noexcept {
  for (std::uint64_t slot = hash_of(name);; ++slot) {
    std::uint32_t* place = slots_ + (slot & slot_mask_);
    if (*place == 0 || is_same(names_[*place - 1], name)) return place;
  }
}

RuntimeFrame* RuntimeFrameTable::add(const RuntimeFrame& name) noexcept {
  const std::size_t count = count_.load(std::memory_order_relaxed);
  const bool same_file = name.file == last_file_;
  const std::size_t bytes = name.function.size() + (same_file ? 0 : name.file.size());
  if (count > slot_mask_ / 2 || capacity_ - used_ < bytes) return nullptr;
  if (!same_file) last_file_ = keep(name.file);
  auto* added = ::new (names_ + count) RuntimeFrame{keep(name.function), last_file_, name.line};
  count_.store(count + 1, std::memory_order_release);  // pairs with count()
  return added;
}

std::string_view RuntimeFrameTable::keep(std::string_view text) noexcept {
  char* copy = texts_ + used_;
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  used_ += text.size();
  return {copy, text.size()};
}

}  // namespace luna
