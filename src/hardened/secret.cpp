// SPDX-License-Identifier: MIT
#include "hardened/secret.hpp"

#include "os/lock.hpp"
#include "os/memory.hpp"
#include "os/random.hpp"

// <sys/single_threaded.h>, which older C libraries do not have.
extern "C" [[gnu::weak]] char __libc_single_threaded;

namespace luna::hardened {

constinit Secret secret;

// Whoever needs some of it first: a constructor of another library may come before the first block.
void draw_secret() noexcept {
  static constinit os::Lock lock;
  if (secret.is_drawn.load(std::memory_order_acquire)) return;  // pairs with the release below
  os::ScopedLock guard(lock);
  if (secret.is_drawn.load(std::memory_order_relaxed)) return;
  const std::array<std::uint64_t, os::kRandomWords> words = os::random_words();
  secret.canary = {words[0], words[1] | 1};  // an even factor would lose bits of the other
  secret.link = {words[2], words[3] | 1};
  secret.function = {words[4], words[5] | 1};
  secret.is_drawn.store(true, std::memory_order_release);
}

void begin_secret(std::uintptr_t window, std::size_t bytes) noexcept {
  draw_secret();
  secret.window = window;
  if (bytes != 0) secret.window_units = bytes / 16;
  if (&__libc_single_threaded != nullptr) secret.alone = &__libc_single_threaded;
  if (os::page_bytes() == kPageBytes)
    static_cast<void>(os::set_access(&secret, sizeof secret, true, false));
}

}  // namespace luna::hardened
