// SPDX-License-Identifier: MIT
#include "os/kernel_file.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace luna::os {

namespace {

using Path = std::array<char, kLongestPath>;

[[nodiscard]] std::string_view without_blanks(std::string_view text) noexcept {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  return text;
}

[[nodiscard]] std::uint64_t parse_value(std::string_view text) noexcept {
  constexpr std::string_view kUnit = " kB";
  text = without_blanks(text);
  const bool in_kib = text.ends_with(kUnit);
  if (in_kib) text.remove_suffix(kUnit.size());
  std::uint64_t value = 0;
  if (!parse_decimal(text, value)) return kUnknown;
  if (!in_kib) return value;
  return value < (UINT64_MAX >> 10) ? value << 10 : kUnknown;
}

}  // namespace

bool write_path(const KernelFile& file, std::span<char, kLongestPath> path) noexcept {
  Text text(path.data(), path.size());
  text.add(file.root).add(file.folder);
  if (!file.name.empty()) text.add("/").add(file.name);
  if (text.view().size() == path.size()) return false;
  path[text.view().size()] = '\0';
  return true;
}

long open_file(const KernelFile& file) noexcept {
  Path path;
  if (!write_path(file, path)) return -ENAMETOOLONG;
  return system_call(SYS_openat, AT_FDCWD, path.data(), O_RDONLY | O_CLOEXEC, 0);
}

bool exists(const KernelFile& file) noexcept {
  Path path;
  return write_path(file, path) && system_call(SYS_faccessat, AT_FDCWD, path.data(), F_OK) == 0;
}

long read_some(long file, char* buffer, std::size_t capacity) noexcept {
  for (;;) {
    const long count = system_call(SYS_read, file, buffer, capacity);
    if (count != -EINTR) return count;
  }
}

std::string_view read_text(const KernelFile& file, char* buffer, std::size_t capacity) noexcept {
  const long open = open_file(file);
  if (open < 0) return {};
  std::size_t length = 0;
  long count = 1;
  while (length < capacity && count > 0) {
    count = read_some(open, buffer + length, capacity - length);
    if (count > 0) length += static_cast<std::size_t>(count);
  }
  system_call(SYS_close, open);
  const bool is_whole = count == 0 && length < capacity;
  return is_whole ? std::string_view(buffer, length) : std::string_view();
}

bool parse_decimal(std::string_view text, std::uint64_t& value) noexcept {
  if (text.empty()) return false;
  std::uint64_t number = 0;
  for (const char character : text) {
    if (character < '0' || character > '9') return false;
    const auto digit = static_cast<std::uint64_t>(character - '0');
    if (number > (UINT64_MAX - digit) / 10) return false;
    number = number * 10 + digit;
  }
  value = number;
  return true;
}

std::uint64_t read_number(const KernelFile& file) noexcept {
  std::array<char, 32> buffer;
  std::string_view text = read_text(file, buffer.data(), buffer.size());
  if (!text.ends_with('\n')) return kUnknown;
  text.remove_suffix(1);
  std::uint64_t value = kUnknown;
  static_cast<void>(parse_decimal(text, value));
  return value;
}

std::string_view take_part(std::string_view& text, char separator) noexcept {
  const std::size_t end = text.find(separator);
  const std::string_view part = part_of(text, 0, end);
  text = end == std::string_view::npos ? std::string_view{} : part_of(text, end + 1);
  return part;
}

LineReader::~LineReader() {
  if (file_ >= 0) system_call(SYS_close, file_);
}

bool LineReader::next(std::string_view& line) noexcept {
  for (;;) {
    const bool is_rest = is_cut_;
    if (!take_line(line)) {
      if (!read_more()) return false;
    } else if (!is_rest) {
      return true;
    }
  }
}

// False: more has to be read first.
bool LineReader::take_line(std::string_view& line) noexcept {
  const std::string_view text(buffer_ + taken_, length_ - taken_);
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos && text.size() < capacity_) return false;
  is_cut_ = end == std::string_view::npos;
  line = part_of(text, 0, end);
  taken_ += is_cut_ ? text.size() : end + 1;
  return true;
}

bool LineReader::read_more() noexcept {
  length_ -= taken_;
  std::memmove(buffer_, buffer_ + taken_, length_);
  taken_ = 0;
  const long count = file_ < 0 ? 0 : read_some(file_, buffer_ + length_, capacity_ - length_);
  if (count <= 0) return false;
  length_ += static_cast<std::size_t>(count);
  return true;
}

void read_named(const KernelFile& file, std::span<const NamedNumber> numbers) noexcept {
  for (const NamedNumber& number : numbers) *number.value = kUnknown;
  std::array<char, 512> buffer;
  LineReader lines(file, buffer.data(), buffer.size());
  for (std::string_view line; lines.next(line);) {
    if (lines.is_cut()) continue;
    for (const NamedNumber& number : numbers) {
      const std::string_view rest = part_of(line, number.key.size());
      const bool is_key = line.starts_with(number.key) && rest != without_blanks(rest);
      if (is_key) *number.value = parse_value(rest);
    }
  }
}

}  // namespace luna::os
