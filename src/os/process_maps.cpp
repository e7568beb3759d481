// SPDX-License-Identifier: MIT
#include "os/process_maps.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

[[nodiscard]] std::uint64_t take_hex(std::string_view& text) noexcept {
  std::uint64_t value = 0;
  while (!text.empty()) {
    const char c = text.front();
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) break;
    value = value * 16 + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
    text.remove_prefix(1);
  }
  return value;
}

[[nodiscard]] std::uint64_t take_decimal(std::string_view& text) noexcept {
  std::uint64_t value = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    value = value * 10 + static_cast<std::uint64_t>(text.front() - '0');
    text.remove_prefix(1);
  }
  return value;
}

void skip_one(std::string_view& text) noexcept {
  if (!text.empty()) text.remove_prefix(1);
}

[[nodiscard]] long open_maps() noexcept {
  return system_call(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
}

// Not more than 0: at the end, or it cannot be read.
[[nodiscard]] long read_some(long file, char* buffer, std::size_t capacity) noexcept {
  for (;;) {
    const long count = system_call(SYS_read, file, buffer, capacity);
    if (count != -EINTR) return count;
  }
}

}  // namespace

// A line is: begin-end rwxp offset device inode   name
MapsLine parse_maps_line(std::string_view text) noexcept {
  MapsLine line;
  line.begin = take_hex(text);
  skip_one(text);
  line.end = take_hex(text);
  skip_one(text);
  line.permissions = part_of(text, 0, 4);
  text = part_of(text, 5);
  line.offset = take_hex(text);
  skip_one(text);
  line.device = take_hex(text) << 32;
  skip_one(text);
  line.device |= take_hex(text);
  skip_one(text);
  line.inode = take_decimal(text);
  while (text.starts_with(' ')) text.remove_prefix(1);
  line.name = text;
  return line;
}

MapsReader::MapsReader(char* buffer, std::size_t capacity) noexcept
    : file_(open_maps()), buffer_(buffer), capacity_(capacity) {}

MapsReader::~MapsReader() {
  if (file_ >= 0) system_call(SYS_close, file_);
}

bool MapsReader::next(MapsLine& line) noexcept {
  for (;;) {
    std::string_view text;
    const bool is_rest = is_cut_line_;
    if (!take_line(text)) {
      if (!read_more()) return false;
    } else if (!is_rest) {
      line = parse_maps_line(text);
      return true;
    }
  }
}

// False: more has to be read first.
bool MapsReader::take_line(std::string_view& line) noexcept {
  const std::string_view text(buffer_ + taken_, length_ - taken_);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos && text.size() < capacity_) return false;
  is_cut_line_ = end == std::string_view::npos;
  line = part_of(text, 0, end);
  taken_ += is_cut_line_ ? text.size() : end + 1;
  return true;
}

bool MapsReader::read_more() noexcept {
  length_ -= taken_;
  std::memmove(buffer_, buffer_ + taken_, length_);
  taken_ = 0;
  const long count = file_ < 0 ? 0 : read_some(file_, buffer_ + length_, capacity_ - length_);
  if (count <= 0) return false;
  length_ += static_cast<std::size_t>(count);
  return true;
}

bool write_maps(Output& out) noexcept {
  const long file = open_maps();
  if (file < 0) return false;
  std::array<char, 2048> buffer;
  long count = 0;
  while (out.ok() && (count = read_some(file, buffer.data(), buffer.size())) > 0)
    out.add({buffer.data(), static_cast<std::size_t>(count)});
  system_call(SYS_close, file);
  return out.ok() && count == 0;
}

}  // namespace luna::os
