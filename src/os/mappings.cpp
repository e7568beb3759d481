// SPDX-License-Identifier: MIT
#include "os/mappings.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

namespace luna::os {

namespace {

[[nodiscard]] std::uintptr_t take_hex(std::string_view& text) noexcept {
  std::uintptr_t value = 0;
  while (!text.empty()) {
    const char c = text.front();
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) break;
    value = value * 16 + static_cast<std::uintptr_t>(digit ? c - '0' : c - 'a' + 10);
    text.remove_prefix(1);
  }
  return value;
}

// A line is: begin-end rwxp offset device inode   name
[[nodiscard]] Mapping parse_line(std::string_view line) noexcept {
  Mapping mapping;
  mapping.begin = take_hex(line);
  if (!line.empty()) line.remove_prefix(1);
  mapping.end = take_hex(line);
  mapping.is_brk_heap = line.ends_with("[heap]");
  mapping.is_private_memory =
      line.starts_with(" rw-p 00000000 00:00 0") && line.find('/') == std::string_view::npos &&
      (line.find('[') == std::string_view::npos || line.find("[anon:") != std::string_view::npos);
  return mapping;
}

}  // namespace

Mapping find_mapping(const void* address) noexcept {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  const long file = system_call(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return {};
  std::array<char, 2048> buffer;
  std::size_t length = 0;
  Mapping found;
  while (found.end == 0) {
    const long count = system_call(SYS_read, file, buffer.data() + length, buffer.size() - length);
    if (count == -EINTR) continue;
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
    std::string_view text(buffer.data(), length);
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
      const Mapping mapping = parse_line(part_of(text, 0, end));
      if (mapping.begin <= wanted && wanted < mapping.end) found = mapping;
      text.remove_prefix(end + 1);
    }
    // A line longer than the buffer is dropped: no mapping of interest has one.
    length = text.size() == buffer.size() ? 0 : text.size();
    for (std::size_t i = 0; i < length; ++i) buffer[i] = text[i];
  }
  system_call(SYS_close, file);
  return found;
}

}  // namespace luna::os
