// SPDX-License-Identifier: MIT
#include "telemetry/code_names.hpp"

#include "base/format.hpp"
#include "base/search.hpp"
#include "base/sort.hpp"
#include "os/memory.hpp"
#include "os/perf_map.hpp"
#include "telemetry/frames.hpp"
#include "telemetry/runtime_frame.hpp"

#include <cstring>
#include <span>

namespace luna {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;
constexpr std::size_t kMostNamesSet = std::size_t{1} << 24;
constexpr std::size_t kBytesEach = sizeof(std::uintptr_t) + sizeof(NamedCode);

}  // namespace

void NamedCode::set_name(std::string_view name) noexcept {
  const std::string_view cut = part_of(name, 0, text_.size());
  std::memcpy(text_.data(), cut.data(), cut.size());
  length_ = static_cast<std::uint32_t>(cut.size());
}

bool CodeNames::add(const Stack& stack, Modules modules) noexcept {
  for (std::size_t i = 0; i < stack.depth; ++i) {
    const std::uintptr_t address = call_address(stack.frames[i]);
    if (is_runtime_frame(address) || find_module(modules, address) != modules.size()) continue;
    if (addresses_.count() == kMostAddresses) return true;
    if (!addresses_.add(address)) return false;
  }
  return true;
}

bool CodeNames::load() noexcept {
  release();
  if (addresses_.count() == 0) return true;
  auto* buffer = static_cast<char*>(os::map(kBufferBytes));
  if (buffer == nullptr) return false;
  const bool has_room = make_room();
  if (has_room) read_map(buffer, kBufferBytes);
  os::release(buffer, kBufferBytes);
  return has_room;
}

// What is mapped is zero, so that nothing of it has a name.
bool CodeNames::make_room() noexcept {
  const std::size_t count = addresses_.count();
  sorted_ = static_cast<std::uintptr_t*>(os::map(count * kBytesEach));
  if (sorted_ == nullptr) return false;
  codes_ = reinterpret_cast<NamedCode*>(sorted_ + count);
  for (; count_ < count; ++count_) sorted_[count_] = addresses_.address_of_number(count_ + 1);
  sort(std::span<std::uintptr_t>(sorted_, count_),
       [](std::uintptr_t one, std::uintptr_t other) noexcept { return one < other; });
  return true;
}

// Code comes to lie where other code was: the last line counts. Lines that overlap as no
// compiler's do come to an end before they have cost seconds.
void CodeNames::read_map(char* buffer, std::size_t capacity) noexcept {
  os::PerfMapReader map(buffer, capacity);
  std::size_t names_left = kMostNamesSet;
  for (os::PerfMapLine line; names_left != 0 && map.next(line);) {
    const std::uintptr_t end = line.begin + line.bytes;
    std::size_t i = first_from(line.begin);
    for (; i < count_ && sorted_[i] < end && names_left != 0; ++i, --names_left) {
      codes_[i].begin = line.begin;
      codes_[i].end = end;
      codes_[i].set_name(line.name);
    }
  }
}

std::size_t CodeNames::first_from(std::uintptr_t address) const noexcept {
  return partition_point(std::span<const std::uintptr_t>(sorted_, count_),
                         [address](std::uintptr_t other) noexcept { return other < address; });
}

const NamedCode* CodeNames::find(std::uintptr_t address) const noexcept {
  const std::size_t index = first_from(address);
  const bool found = index < count_ && sorted_[index] == address;
  return found && !codes_[index].name().empty() ? codes_ + index : nullptr;
}

void CodeNames::release() noexcept {
  if (sorted_ != nullptr) os::release(sorted_, count_ * kBytesEach);
  sorted_ = nullptr;
  codes_ = nullptr;
  count_ = 0;
}

}  // namespace luna
