// SPDX-License-Identifier: MIT
#include "os/perf_map.hpp"

#include "base/format.hpp"
#include "os/environment.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

// False: there is no number, or it is too large.
[[nodiscard]] bool take_hex(std::string_view& text, std::uintptr_t& value) noexcept {
  constexpr std::size_t kMostDigits = 16;
  if (text.starts_with("0x")) text.remove_prefix(2);
  std::size_t digits = 0;
  for (value = 0; digits < text.size(); ++digits) {
    const char c = text[digits];
    const bool is_decimal = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!is_decimal && (lower < 'a' || lower > 'f')) break;
    value = value << 4 | static_cast<std::uintptr_t>(is_decimal ? c - '0' : lower - 'a' + 10);
  }
  text.remove_prefix(digits);
  return digits != 0 && digits <= kMostDigits;
}

[[nodiscard]] bool take_blank(std::string_view& text) noexcept {
  if (!text.starts_with(' ')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

bool parse_perf_map_line(std::string_view text, PerfMapLine& line) noexcept {
  if (!take_hex(text, line.begin) || !take_blank(text)) return false;
  if (!take_hex(text, line.bytes) || !take_blank(text)) return false;
  line.name = text;
  return line.bytes != 0 && line.begin <= UINTPTR_MAX - line.bytes && !text.empty();
}

PerfMapReader::PerfMapReader(char* buffer, std::size_t capacity) noexcept
    : buffer_(buffer), capacity_(capacity) {
  open();
}

PerfMapReader::~PerfMapReader() {
  if (file_ >= 0) system_call(SYS_close, file_);
}

// Anybody may put a file of that name into /tmp, also one that never ends or is a link.
void PerfMapReader::open() noexcept {
  std::array<char, 48> path{};
  Text text(path.data(), path.size() - 1);
  text.add("/tmp/perf-").add_decimal(process_id()).add(".map");
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  const long file = system_call(SYS_openat, AT_FDCWD, path.data(), kFlags, 0);
  if (file < 0) return;
  struct stat status = {};
  const bool known = system_call(SYS_fstat, file, &status) == 0;
  const auto own = static_cast<uid_t>(system_call(SYS_geteuid));
  if (!known || !S_ISREG(status.st_mode) || status.st_uid != own) {
    system_call(SYS_close, file);
    return;
  }
  file_ = file;
  left_ = kMostBytes;
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes <= kMostBytes) return;
  is_rest_ = true;  // most likely, it begins within a line
  system_call(SYS_lseek, file, bytes - kMostBytes, SEEK_SET);
}

bool PerfMapReader::next(PerfMapLine& line) noexcept {
  for (;;) {
    std::string_view text;
    const bool is_rest = is_rest_;
    if (!take_line(text)) {
      if (!read_more()) return false;
    } else if (!is_rest && parse_perf_map_line(text, line)) {
      return true;
    }
  }
}

// False: more has to be read first. A last line without its end may still be written.
bool PerfMapReader::take_line(std::string_view& line) noexcept {
  const std::string_view text(buffer_ + taken_, length_ - taken_);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos && text.size() < capacity_) return false;
  is_rest_ = end == std::string_view::npos;
  line = part_of(text, 0, end);
  taken_ += is_rest_ ? text.size() : end + 1;
  return true;
}

bool PerfMapReader::read_more() noexcept {
  length_ -= taken_;
  std::memmove(buffer_, buffer_ + taken_, length_);
  taken_ = 0;
  const std::size_t room = capacity_ - length_;
  const std::size_t wanted = room < left_ ? room : left_;
  long count = -EINTR;
  while (count == -EINTR && file_ >= 0 && wanted != 0)
    count = system_call(SYS_read, file_, buffer_ + length_, wanted);
  if (count <= 0) return false;
  length_ += static_cast<std::size_t>(count);
  left_ -= static_cast<std::size_t>(count);
  return true;
}

}  // namespace luna::os
