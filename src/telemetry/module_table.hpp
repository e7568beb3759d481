// SPDX-License-Identifier: MIT
// The modules of the process, kept while a profile is written, and which of them an
// address lies in.
#pragma once

#include "os/modules.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace luna {

class CodeNames;

// By rising address. Beside them what is known of code that lies in none; nullptr: nothing.
class Modules : public std::span<const os::Module> {
 public:
  using std::span<const os::Module>::span;

  [[nodiscard]] Modules with(const CodeNames& names) const noexcept {
    Modules both = *this;
    both.code_names = &names;
    return both;
  }

  const CodeNames* code_names = nullptr;
};

// The index of the one that holds the address, or how many there are.
[[nodiscard]] std::size_t find_module(Modules modules, std::uintptr_t address) noexcept;

// Owns the memory for the modules and their texts, from the kernel.
class ModuleTable {
 public:
  ModuleTable() noexcept = default;
  ~ModuleTable() { release(); }

  ModuleTable(const ModuleTable&) = delete;
  ModuleTable& operator=(const ModuleTable&) = delete;

  // Reads which there are now. False: no memory, and the table is empty. Slow: system calls.
  [[nodiscard]] bool load() noexcept;

  [[nodiscard]] Modules modules() const noexcept { return {modules_, count_}; }

 private:
  [[nodiscard]] bool load_by(void* reader) noexcept;
  void add(const os::Module& module, std::size_t capacity) noexcept;
  [[nodiscard]] std::string_view keep(std::string_view text) noexcept;
  void release() noexcept;

  os::Module* modules_ = nullptr;  // the texts lie behind them
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t used_bytes_ = 0;
};

}  // namespace luna
