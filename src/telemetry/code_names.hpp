// SPDX-License-Identifier: MIT
// Names of code that no module holds: what a run-time compiler wrote of it, see os/perf_map.hpp.
#pragma once

#include "telemetry/address_table.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// A function that a run-time compiler made.
class NamedCode {
 public:
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;

  [[nodiscard]] std::string_view name() const noexcept { return {text_.data(), length_}; }

  // Longer ones are cut.
  void set_name(std::string_view name) noexcept;

 private:
  std::uint32_t length_ = 0;  // 0: nothing names it
  std::array<char, 236> text_;
};

// First all stacks are added, then the file is read once. Owns its memory, from the kernel: 280
// bytes at most for each address that lies in no module, of which there are kMostAddresses.
class CodeNames {
 public:
  static constexpr std::size_t kMostAddresses = std::size_t{1} << 16;

  CodeNames() noexcept = default;
  ~CodeNames() { release(); }
  CodeNames(const CodeNames&) = delete;
  CodeNames& operator=(const CodeNames&) = delete;

  // False: no memory. A frame that finds none has no name.
  [[nodiscard]] bool add(const Stack& stack, Modules modules) noexcept;

  // Looks all of them up, where there is such a file. Slow: reads it. False: no memory.
  [[nodiscard]] bool load() noexcept;

  // What holds the address of a call; nullptr: nothing that has a name. Good as long as this.
  [[nodiscard]] const NamedCode* find(std::uintptr_t address) const noexcept;

  // Calls visit(const NamedCode&) for each that was found, by rising address.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    std::uintptr_t last = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const NamedCode& code = codes_[i];
      if (code.name().empty() || code.begin == last) continue;
      last = code.begin;
      visit(code);
    }
  }

 private:
  [[nodiscard]] std::size_t first_from(std::uintptr_t address) const noexcept;
  [[nodiscard]] bool make_room() noexcept;
  void read_map(char* buffer, std::size_t capacity) noexcept;
  void release() noexcept;

  AddressTable addresses_;
  std::uintptr_t* sorted_ = nullptr;
  NamedCode* codes_ = nullptr;  // as many; behind them
  std::size_t count_ = 0;
};

}  // namespace luna
