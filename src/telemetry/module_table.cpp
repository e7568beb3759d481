// SPDX-License-Identifier: MIT
#include "telemetry/module_table.hpp"

#include "base/search.hpp"
#include "os/memory.hpp"

#include <cstring>
#include <new>

namespace luna {

std::size_t find_module(Modules modules, std::uintptr_t address) noexcept {
  const std::size_t first = partition_point(
      modules, [address](const os::Module& module) noexcept { return module.end <= address; });
  return first < modules.size() && modules[first].begin <= address ? first : modules.size();
}

namespace {

// Calls visit(const Module&) for each, with a reader in `memory`: it would be too much for the
// alternate stack of a signal handler.
template <typename Visit>
void visit_modules(void* memory, Visit visit) noexcept {
  auto* reader = ::new (memory) os::ModuleReader;
  for (os::Module module; reader->next(module);) visit(static_cast<const os::Module&>(module));
  reader->~ModuleReader();
}

}  // namespace

bool ModuleTable::load() noexcept {
  release();
  void* reader = os::map(sizeof(os::ModuleReader));
  if (reader == nullptr) return false;
  const bool loaded = load_by(reader);
  os::release(reader, sizeof(os::ModuleReader));
  return loaded;
}

bool ModuleTable::load_by(void* reader) noexcept {
  std::size_t count = 0;
  std::size_t text_bytes = 0;
  visit_modules(reader, [&](const os::Module& module) noexcept {
    ++count;
    text_bytes += module.path.size() + module.build_id.size();
  });
  if (count == 0) return true;
  bytes_ = count * sizeof(os::Module) + text_bytes;
  void* memory = os::map(bytes_);
  if (memory == nullptr) {
    bytes_ = 0;
    return false;
  }
  modules_ = static_cast<os::Module*>(memory);
  used_bytes_ = count * sizeof(os::Module);
  visit_modules(reader, [&](const os::Module& module) noexcept { add(module, count); });
  return true;
}

// There may be more of them by now than were counted: those are left out.
void ModuleTable::add(const os::Module& module, std::size_t capacity) noexcept {
  if (count_ == capacity) return;
  if (bytes_ - used_bytes_ < module.path.size() + module.build_id.size()) return;
  auto* kept = new (modules_ + count_) os::Module(module);
  kept->path = keep(module.path);
  kept->build_id = keep(module.build_id);
  ++count_;
}

std::string_view ModuleTable::keep(std::string_view text) noexcept {
  char* copy = reinterpret_cast<char*>(modules_) + used_bytes_;
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  used_bytes_ += text.size();
  return {copy, text.size()};
}

void ModuleTable::release() noexcept {
  if (modules_ != nullptr) os::release(modules_, bytes_);
  modules_ = nullptr;
  count_ = bytes_ = used_bytes_ = 0;
}

}  // namespace luna
