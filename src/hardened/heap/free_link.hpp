// SPDX-License-Identifier: MIT
// In front of heap/free_link.hpp: links that nobody can make up who does not know the secret.
#pragma once

#include "base/report.hpp"
#include "hardened/secret.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace luna {

struct Block;

// What it holds depends on where it lies, so that one cannot be put in place of another either.
// Whoever reads what it does not hold is told so: of all words hardly one leads into the window.
class FreeLink {
 public:
  FreeLink() = delete;  // it lies in a block, where it was never made

  FreeLink& operator=(Block* next) noexcept {
    word_ = reinterpret_cast<std::uintptr_t>(next) ^ key();
    return *this;
  }
  FreeLink& operator=(const FreeLink& other) noexcept { return *this = static_cast<Block*>(other); }

  operator Block*() const noexcept {
    const std::uintptr_t next = word_ ^ key();
    if (std::rotr(next - hardened::secret.window, 4) >= hardened::secret.window_units) [[unlikely]]
      if (next != 0) report::corrupt_free_list(nullptr, this);
    return reinterpret_cast<Block*>(next);
  }

 private:
  [[nodiscard]] std::uintptr_t key() const noexcept {
    return hardened::fold(reinterpret_cast<std::uintptr_t>(this) ^ hardened::secret.link[0],
                          hardened::secret.link[1]);
  }

  std::uintptr_t word_;
};

}  // namespace luna
