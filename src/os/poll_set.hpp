// SPDX-License-Identifier: MIT
// Waits until one of several sockets can be read or written.
#pragma once

#include "os/unix_socket.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna::os {

// What a socket is waited for, or what it is ready for. `gone`: its other end is closed, which
// is always waited for.
struct Ready {
  bool reads = false;
  bool writes = false;
  bool gone = false;

  [[nodiscard]] bool any() const noexcept { return reads || writes || gone; }
};

// Threads: one.
class PollSet {
 public:
  static constexpr std::size_t kMost = 33;

  // Returns its place. Requires: no more than kMost.
  std::size_t add(const Socket& socket, Ready wanted) noexcept;

  // Returns when one is ready, or after so long. False: none is.
  bool wait(std::uint64_t milliseconds) noexcept;
  [[nodiscard]] Ready ready(std::size_t place) const noexcept;

 private:
  struct Entry {
    int descriptor;
    short wanted;
    short found;
  };

  std::size_t count_ = 0;
  std::array<Entry, kMost> entries_;
};

}  // namespace luna::os
