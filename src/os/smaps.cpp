// SPDX-License-Identifier: MIT
#include "os/smaps.hpp"

#include "base/format.hpp"
#include "os/system_call.hpp"

#include <sys/resource.h>

namespace luna::os {

namespace {

// The number of a line such as "Rss:      12 kB", in bytes. False: it is another line.
[[nodiscard]] bool read_kib(std::string_view line, std::string_view key,
                            std::uint64_t& bytes) noexcept {
  if (!line.starts_with(key)) return false;
  std::uint64_t value = 0;
  for (const char c : part_of(line, key.size()))
    if (c >= '0' && c <= '9') value = value * 10 + static_cast<std::uint64_t>(c - '0');
  bytes = value * 1024;
  return true;
}

}  // namespace

SmapsReader::SmapsReader() noexcept
    : lines_(buffer_.data(), buffer_.size(), "/proc/thread-self/smaps") {}

// Each mapping is a line as in maps, and then lines of key and value, the last of which is
// that of its flags.
bool SmapsReader::next(SmapsMapping& mapping) noexcept {
  MapsLine line;
  if (!lines_.next(line)) return false;
  const std::size_t length = line.name.copy(name_.data(), name_.size());
  mapping = {line.begin, line.end, {name_.data(), length}};
  std::string_view text;
  while (lines_.next_text(text)) {
    if (text.starts_with("VmFlags:")) return true;
    if (!read_kib(text, "Rss:", mapping.resident_bytes))
      static_cast<void>(read_kib(text, "AnonHugePages:", mapping.huge_page_bytes));
  }
  return true;
}

bool count_page_faults(PageFaults& faults) noexcept {
  struct rusage usage;
  if (system_call(SYS_getrusage, RUSAGE_SELF, &usage) < 0) return false;
  faults = {static_cast<std::uint64_t>(usage.ru_minflt),
            static_cast<std::uint64_t>(usage.ru_majflt)};
  return true;
}

}  // namespace luna::os
