// SPDX-License-Identifier: MIT
#include "hardened/secret.hpp"

#include "os/memory.hpp"
#include "os/random.hpp"

// <sys/single_threaded.h>, which older C libraries do not have.
extern "C" [[gnu::weak]] char __libc_single_threaded;

namespace luna::hardened {

constinit Secret secret;

void begin_secret(std::uintptr_t window, std::size_t bytes) noexcept {
  const std::array<std::uint64_t, os::kRandomWords> words = os::random_words();
  secret.canary = {words[0], words[1] | 1};  // an even factor would lose bits of the other
  secret.link = {words[2], words[3] | 1};
  secret.window = window;
  if (bytes != 0) secret.window_units = bytes / 16;
  if (&__libc_single_threaded != nullptr) secret.alone = &__libc_single_threaded;
  protect_secret(&secret, sizeof secret);
  begin_function_keys();
}

void protect_secret(void* pages, std::size_t bytes) noexcept {
  if (os::page_bytes() == kPageBytes) static_cast<void>(os::set_access(pages, bytes, true, false));
}

}  // namespace luna::hardened
