// SPDX-License-Identifier: MIT
// What only this process knows, of which canaries, the links of free lists and what pointers to
// functions are mixed with are made.
#pragma once

#include "pages/layout.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace luna::hardened {

inline constexpr char kNotAlone = 0;

// A page of its own, which nobody writes to after begin(). Threads: any, once it has begun.
struct alignas(kPageBytes) Secret {
  std::array<std::uint64_t, 2> canary{};
  std::array<std::uint64_t, 2> link{};
  std::uintptr_t window = 0;  // where blocks may lie
  std::size_t window_units = SIZE_MAX;
  const char* alone = &kNotAlone;  // not 0: the process has but one thread
};

extern constinit Secret secret;

// To be called once, before the first block is handed out. Blocks of lists will lie in `bytes` from
// `window` on; none: nobody knows. Where pages are larger than ours, the secret can be written to.
void begin_secret(std::uintptr_t window, std::size_t bytes) noexcept;

// The same for function_key(), which does it itself where it comes first. Threads: any.
void begin_function_keys() noexcept;

// Nobody writes there any more. Nothing is lost if the kernel refuses but this.
void protect_secret(void* pages, std::size_t bytes) noexcept;

// Two words folded into one, so that neither is known by what comes out.
[[nodiscard]] inline std::uint64_t fold(std::uint64_t left, std::uint64_t right) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(left) * right;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace luna::hardened
