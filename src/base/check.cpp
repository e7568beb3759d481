// SPDX-License-Identifier: MIT
#include "base/check.hpp"

#include "base/format.hpp"

#include <syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

namespace luna {

void fail_check(const char* condition, const char* file, int line) noexcept {
  std::array<char, 512> buffer;
  Text text(buffer.data(), buffer.size());
  text.add("lunalloc: internal error: ").add(condition).add(" does not hold at ").add(file);
  text.add(":").add_decimal(static_cast<std::uint64_t>(line)).add("; please report this\n");
  note_last_words(text.view());
  write_error(text.view());
  std::abort();
}

[[gnu::weak]] void note_last_words(std::string_view) noexcept {}

// Not by write(), where a thread may be cancelled, with whatever lock the caller holds.
void write_error(std::string_view text) noexcept {
  const int saved = errno;
  while (!text.empty()) {
    const long written = ::syscall(SYS_write, STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  errno = saved;
}

}  // namespace luna
