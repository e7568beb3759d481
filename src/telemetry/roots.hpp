// SPDX-License-Identifier: MIT
// Memory from which a program may know its blocks: all of its mappings but those of the
// allocator and the profiler, and the stacks from where they are in use.
#pragma once

#include "os/memory_reader.hpp"
#include "os/process_maps.hpp"
#include "telemetry/address_ranges.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace luna {

struct Root {
  AddressRange range;
  os::PagesRead pages;
};

// Goes through /proc/self/maps. Large: to be made in mapped memory. Threads: one, as for the
// reader of memory.
class Roots {
 public:
  // `own`: what is left out. Below the lowest of the stack pointers in a mapping nothing
  // is in use, if the mapping is a stack as far as one can tell.
  Roots(const AddressRanges& own, std::span<const std::uintptr_t> stack_pointers) noexcept
      : own_(own), stack_pointers_(stack_pointers) {}

  // False after the last one; did_read() tells whether there was any.
  [[nodiscard]] bool next(Root& root) noexcept;
  [[nodiscard]] bool did_read() const noexcept { return lines_ != 0; }

 private:
  [[nodiscard]] bool next_line() noexcept;
  void leave_out_dead_stack(const os::MapsLine& line) noexcept;

  const AddressRanges& own_;
  std::span<const std::uintptr_t> stack_pointers_;
  std::array<char, 4096 + 128> buffer_;
  os::MapsReader maps_{buffer_.data(), buffer_.size()};
  Root rest_{};
  std::uintptr_t guard_end_ = 0;  // of the mapping before, if nobody may touch it
  std::size_t lines_ = 0;
};

// Adds what is mapped and cannot be read plainly. False: /proc cannot be read.
[[nodiscard]] bool find_hidden(AddressRanges& hidden) noexcept;

}  // namespace luna
