// SPDX-License-Identifier: MIT
// What only this process knows, of which canaries, the links of free lists and what pointers to
// functions are mixed with are made.
#pragma once

#include "pages/layout.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace luna::hardened {

inline constexpr char kNotAlone = 0;

// A page of its own, which nobody writes to after begin_secret().
struct alignas(kPageBytes) Secret {
  std::array<std::uint64_t, 2> canary{};
  std::array<std::uint64_t, 2> link{};
  std::array<std::uint64_t, 2> function{};
  std::atomic<bool> is_drawn{false};  // the words above
  std::uintptr_t window = 0;          // where blocks may lie
  std::size_t window_units = SIZE_MAX;
  const char* alone = &kNotAlone;  // not 0: the process has but one thread
};

extern constinit Secret secret;

// The words that nobody else knows are there when it returns. Threads: any.
void draw_secret() noexcept;

// To be called once, before the first block is handed out. Blocks of lists will lie in `bytes` from
// `window` on; none: nobody knows. Where pages are larger than ours, or the kernel refuses, the
// secret can be written to.
void begin_secret(std::uintptr_t window, std::size_t bytes) noexcept;

// Two words folded into one, so that neither is known by what comes out.
[[nodiscard]] inline std::uint64_t fold(std::uint64_t left, std::uint64_t right) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace luna::hardened
