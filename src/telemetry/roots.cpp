// SPDX-License-Identifier: MIT
#include "telemetry/roots.hpp"

#include "base/align.hpp"

namespace luna {

namespace {

// Reading the memory of a device may do something.
[[nodiscard]] bool is_of_device(std::string_view name) noexcept {
  if (name.starts_with("/dev/"))
    return !name.starts_with("/dev/shm/") && !name.starts_with("/dev/zero") &&
           !name.starts_with("/dev/hugepages/");
  return name.starts_with("/sys/") || name.starts_with("/proc/") ||
         name.starts_with("anon_inode:") || name.starts_with("[v");
}

// What was written to once may be readable only by now.
[[nodiscard]] os::PagesRead pages_of(const os::MapsLine& line) noexcept {
  if (line.permissions[3] != 'p') return os::PagesRead::kResident;
  return line.inode != 0 ? os::PagesRead::kWritten : os::PagesRead::kBacked;
}

[[nodiscard]] bool is_root(const os::MapsLine& line) noexcept {
  if (line.permissions.size() < 4 || line.permissions[0] != 'r') return false;
  const bool is_private = line.permissions[3] == 'p';
  return (is_private || line.permissions[1] == 'w') && !is_of_device(line.name);
}

}  // namespace

bool Roots::next(Root& root) noexcept {
  for (;;) {
    root = {own_.take_outside(rest_.range), rest_.pages};
    if (root.range.begin < root.range.end) return true;
    if (rest_.range.begin >= rest_.range.end && !next_line()) return false;
  }
}

bool Roots::next_line() noexcept {
  os::MapsLine line;
  while (maps_.next(line)) {
    ++lines_;
    if (!is_root(line)) continue;
    rest_ = {{line.begin, line.end}, pages_of(line)};
    return true;
  }
  return false;
}

bool find_hidden(AddressRanges& hidden) noexcept {
  std::array<char, 512> buffer;
  os::MapsReader maps(buffer.data(), buffer.size());
  os::MapsLine line;
  bool any = false;
  while (maps.next(line)) {
    any = true;
    if (!line.permissions.starts_with('r')) hidden.add(line.begin, line.end - line.begin);
  }
  hidden.sort();
  return any;
}

}  // namespace luna
