// SPDX-License-Identifier: MIT
// A process that was started without any option is reached from outside: lunalloc/attach.h.
// docs/adr/0021 says why malloc may start a thread for it.
#pragma once

#include <lunalloc/attach.h>

#include <atomic>

// Protected: read without a detour, while others find them by their names.
extern "C" {
[[gnu::visibility("protected")]] extern luna_attach lunalloc_attach;
[[gnu::visibility("protected")]] extern luna_attach_text lunalloc_attach_text;
}

namespace luna {

// For slow paths, and for the library's thread.
[[nodiscard]] inline bool is_asked() noexcept {
  return std::atomic_ref(lunalloc_attach.asked).load(std::memory_order_relaxed) != 0;
}

// Has the library's thread see to what is asked. To be called where malloc was called for memory,
// in a slow path and with no lock held; not where free was.
[[gnu::cold, gnu::noinline]] void attend_asked() noexcept;

// For the library's thread: carries out what is asked, if anything is.
void answer_asked() noexcept;

// Whether the thread is to look now and then, since somebody asked once.
[[nodiscard]] bool was_asked() noexcept;

// Nobody is heard before the first and after the second.
void begin_attach() noexcept;
void end_attach() noexcept;

// What the parent was asked is not the child's to answer.
void resume_attach_in_child() noexcept;

}  // namespace luna
