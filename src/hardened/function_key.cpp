// SPDX-License-Identifier: MIT
#include "base/function_pointer.hpp"
#include "hardened/secret.hpp"
#include "os/lock.hpp"
#include "os/memory.hpp"
#include "os/random.hpp"

#include <atomic>

namespace luna {

namespace {

// A page of its own, for a constructor of another library may come before the first block.
struct alignas(kPageBytes) FunctionSecret {
  std::array<std::uint64_t, 2> words{};
  std::atomic<bool> is_drawn{false};
};

constinit FunctionSecret function_secret;

}  // namespace

void hardened::begin_function_keys() noexcept {
  static constinit os::Lock lock;
  // pairs with the release below
  if (function_secret.is_drawn.load(std::memory_order_acquire)) return;
  os::ScopedLock guard(lock);
  if (function_secret.is_drawn.load(std::memory_order_relaxed)) return;
  const std::array<std::uint64_t, os::kRandomWords> words = os::random_words();
  function_secret.words = {words[4], words[5] | 1};
  function_secret.is_drawn.store(true, std::memory_order_release);
  protect_secret(&function_secret, sizeof function_secret);
}

std::uintptr_t function_key(const void* place) noexcept {
  hardened::begin_function_keys();
  return hardened::fold(reinterpret_cast<std::uintptr_t>(place) ^ function_secret.words[0],
                        function_secret.words[1]);
}

}  // namespace luna
