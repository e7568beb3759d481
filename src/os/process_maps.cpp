// SPDX-License-Identifier: MIT
#include "os/process_maps.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <array>

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

constexpr KernelFile kMaps = {{}, "/proc/thread-self/maps"};

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

MapsReader::MapsReader(char* buffer, std::size_t capacity, const char* path) noexcept
    : lines_({{}, path}, buffer, capacity) {}

bool MapsReader::next(MapsLine& line) noexcept {
  std::string_view text;
  if (!next_text(text)) return false;
  line = parse_maps_line(text);
  return true;
}

bool MapsReader::next_text(std::string_view& line) noexcept { return lines_.next(line); }

bool write_maps(Output& out) noexcept {
  const long file = open_file(kMaps);
  if (file < 0) return false;
  std::array<char, 2048> buffer;
  long count = 0;
  while (out.ok() && (count = read_some(file, buffer.data(), buffer.size())) > 0)
    out.add({buffer.data(), static_cast<std::size_t>(count)});
  system_call(SYS_close, file);
  return out.ok() && count == 0;
}

}  // namespace luna::os
