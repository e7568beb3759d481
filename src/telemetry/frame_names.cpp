// SPDX-License-Identifier: MIT
#include "telemetry/frame_names.hpp"

#include "base/search.hpp"
#include "base/sort.hpp"
#include "os/memory.hpp"
#include "os/symbol_names.hpp"
#include "telemetry/frames.hpp"

#include <cstring>
#include <new>
#include <span>

namespace luna {

struct FrameNames::Names {
  Names* next;
  std::size_t bytes;  // with this
};

bool FrameNames::add(const Stack& stack) noexcept {
  for (std::size_t i = 0; i < stack.depth; ++i)
    if (!addresses_.add(call_address(stack.frames[i]))) return false;
  return true;
}

bool FrameNames::load(Modules modules) noexcept {
  release();
  const std::size_t count = addresses_.count();
  if (count == 0) return true;
  entries_ = static_cast<Entry*>(os::map(count * sizeof(Entry)));
  if (entries_ == nullptr) return false;
  for (; count_ < count; ++count_)
    ::new (entries_ + count_) Entry{addresses_.address_of_number(count_ + 1), {}};
  sort(std::span<Entry>(entries_, count_),
       [](const Entry& one, const Entry& other) noexcept { return one.address < other.address; });
  for (const os::Module& module : modules) {
    const std::size_t first = first_from(module.begin);
    const std::size_t end = first_from(module.end);
    if (first == end || !module.path.starts_with('/')) continue;
    load_module(module, first, end);
  }
  return true;
}

std::size_t FrameNames::first_from(std::uintptr_t address) const noexcept {
  return partition_point(
      std::span<const Entry>(entries_, count_),
      [address](const Entry& entry) noexcept { return entry.address < address; });
}

// The first name that a file has for a function stands. Those found are still the file's.
void FrameNames::load_module(const os::Module& module, std::size_t first,
                             std::size_t end) noexcept {
  os::SymbolNames symbols;
  if (!symbols.open(module.path, module.build_id)) return;
  while (symbols.next_table()) {
    symbols.for_each([&](const os::FunctionName& function) noexcept {
      const std::uintptr_t begin = module.bias + function.address;
      for (std::size_t i = first_from(begin); i < end && i >= first; ++i) {
        if (entries_[i].address - begin >= function.bytes) break;
        if (entries_[i].name.empty()) entries_[i].name = function.name;
      }
    });
    keep_names(first, end);
  }
}

// Copies names before the file goes. Those of its table before lie in the newest memory.
void FrameNames::keep_names(std::size_t first, std::size_t end) noexcept {
  const auto* newest = reinterpret_cast<const char*>(names_);
  const auto is_kept =
      [newest, bytes = newest == nullptr ? 0 : names_->bytes](std::string_view name) noexcept {
        return name.empty() || static_cast<std::size_t>(name.data() - newest) < bytes;
      };
  std::size_t bytes = sizeof(Names);
  for (std::size_t i = first; i < end; ++i)
    if (!is_kept(entries_[i].name)) bytes += entries_[i].name.size();
  if (bytes == sizeof(Names)) return;
  auto* memory = static_cast<char*>(os::map(bytes));
  if (memory != nullptr) names_ = ::new (memory) Names{names_, bytes};
  std::size_t used = sizeof(Names);
  for (std::size_t i = first; i < end; ++i) {
    std::string_view& name = entries_[i].name;
    if (is_kept(name)) continue;
    const std::size_t length = memory != nullptr ? name.size() : 0;
    if (length != 0) std::memcpy(memory + used, name.data(), length);
    name = length != 0 ? std::string_view(memory + used, length) : std::string_view{};
    used += length;
  }
}

std::string_view FrameNames::name_of(std::uintptr_t frame) const noexcept {
  const std::uintptr_t address = call_address(frame);
  const std::size_t index = first_from(address);
  const bool found = index < count_ && entries_[index].address == address;
  return found ? entries_[index].name : std::string_view{};
}

void FrameNames::release() noexcept {
  while (names_ != nullptr) {
    Names* next = names_->next;
    os::release(names_, names_->bytes);
    names_ = next;
  }
  if (entries_ != nullptr) os::release(entries_, addresses_.count() * sizeof(Entry));
  entries_ = nullptr;
  count_ = 0;
}

}  // namespace luna
