// SPDX-License-Identifier: MIT
#include "os/random.hpp"

#include "base/mixed.hpp"
#include "os/system_call.hpp"

#include <sys/auxv.h>
#include <sys/syscall.h>

#include <cstring>

namespace luna::os {

namespace {

constexpr unsigned kDoNotWait = 1;  // GRND_NONBLOCK

[[nodiscard]] std::uint64_t next_of(std::uint64_t& state) noexcept {
  state += kRandomStep;
  return mixed(state);
}

}  // namespace

std::array<std::uint64_t, kRandomWords> random_words() noexcept {
  std::array<std::uint64_t, kRandomWords> words{};
  if (system_call(SYS_getrandom, words.data(), sizeof words, kDoNotWait) ==
      static_cast<long>(sizeof words))
    return words;
  std::array<std::uint64_t, 2> start{};
  if (const unsigned long at = ::getauxval(AT_RANDOM); at != 0)
    std::memcpy(start.data(), reinterpret_cast<const void*>(at), sizeof start);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = next_of(start[i % 2]);
  return words;
}

}  // namespace luna::os
