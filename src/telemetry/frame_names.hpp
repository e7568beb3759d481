// SPDX-License-Identifier: MIT
// Names of the functions that frames lie in, for those that their files tell.
#pragma once

#include "telemetry/address_table.hpp"
#include "telemetry/module_table.hpp"
#include "telemetry/profile.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// First all stacks are added, then each file is read once. Owns its memory, from the kernel.
class FrameNames {
 public:
  FrameNames() noexcept = default;
  ~FrameNames() { release(); }
  FrameNames(const FrameNames&) = delete;
  FrameNames& operator=(const FrameNames&) = delete;

  // False: no memory. A frame that finds none has no name.
  [[nodiscard]] bool add(const Stack& stack) noexcept;

  // Looks all frames up. Slow: reads files. False: no memory.
  [[nodiscard]] bool load(Modules modules) noexcept;

  // As the linker knows it; empty: there is none. Good as long as this object.
  [[nodiscard]] std::string_view name_of(std::uintptr_t frame) const noexcept;

 private:
  struct Entry {
    std::uintptr_t address;  // of the call
    std::string_view name;
  };
  struct Names;  // some memory with names, in a list

  [[nodiscard]] std::size_t first_from(std::uintptr_t address) const noexcept;
  void load_module(const os::Module& module, std::size_t first, std::size_t end) noexcept;
  void keep_names(std::size_t first, std::size_t end) noexcept;
  void release() noexcept;

  AddressTable addresses_;
  Entry* entries_ = nullptr;  // by rising address
  std::size_t count_ = 0;
  Names* names_ = nullptr;
};

}  // namespace luna
