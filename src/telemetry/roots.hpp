// SPDX-License-Identifier: MIT
// Memory from which a program may know its blocks: all of its mappings but those of the
// allocator and the profiler. Stacks are roots as a whole, below their stack pointers too: a
// stack that lies in another one, as that of a coroutine or of a signal handler may, is in use.
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
  // `own`: what is left out.
  explicit Roots(const AddressRanges& own) noexcept : own_(own) {}

  // False after the last one; did_read() tells whether there was any.
  [[nodiscard]] bool next(Root& root) noexcept;
  [[nodiscard]] bool did_read() const noexcept { return lines_ != 0; }

 private:
  [[nodiscard]] bool next_line() noexcept;

  const AddressRanges& own_;
  std::array<char, 4096 + 128> buffer_;
  os::MapsReader maps_{buffer_.data(), buffer_.size()};
  Root rest_{};
  std::size_t lines_ = 0;
};

// Adds what is mapped and cannot be read plainly. False: /proc cannot be read.
[[nodiscard]] bool find_hidden(AddressRanges& hidden) noexcept;

}  // namespace luna
