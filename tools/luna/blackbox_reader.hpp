// SPDX-License-Identifier: MIT
// Reads a black box as far as it goes. lunalloc/blackbox.h has the format.
#pragma once

#include <lunalloc/blackbox.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace luna::tool {

// What the program ends with.
enum class Status {
  kDone = 0,
  kCannotOpen = 1,
  kUsage = 2,
  kNoBlackBox = 3,
  kOtherVersion = 4,
  kCutShort = 5
};

// It cannot be read at all; what() is a line that says why, and what to do.
class Unreadable : public std::runtime_error {
 public:
  Unreadable(Status status, const std::string& why) : std::runtime_error(why), status_(status) {}

  [[nodiscard]] Status status() const noexcept { return status_; }

 private:
  Status status_;
};

// When a record was written, and which of its ring it is.
struct Moment {
  std::uint64_t sequence;
  std::uint64_t epoch_ns;
  std::uint64_t monotonic_ns;
};

struct BoxStatistics {
  Moment moment;
  luna_blackbox_statistics numbers;  // UNKNOWN: an older library did not tell
};

struct Event {
  Moment moment;
  luna_blackbox_event head;
  std::string source;
  std::string text;
};

struct Site {
  luna_blackbox_site amounts;
  std::vector<std::uint64_t> frames;
};

struct Module {
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t bias;
  std::string path;
  std::string build_id;
};

struct Sites {
  // The module that the call before this address lies in; nullptr: it is not known.
  [[nodiscard]] const Module* module_of(std::uint64_t frame) const noexcept;

  Moment moment;
  luna_blackbox_sites head;
  std::vector<Site> sites;
  std::vector<Module> modules;
};

struct BlackBox {
  // Whether the process said that it ends.
  [[nodiscard]] bool has_exit() const noexcept;

  luna_blackbox_header header;
  std::string host;
  std::string program;
  std::string lunalloc_version;
  std::string boot_id;
  std::vector<BoxStatistics> statistics;  // all by rising sequence
  std::vector<Event> events;
  std::vector<Sites> sites;
  std::size_t torn = 0;           // slots with something that is no whole record
  std::size_t missing_bytes = 0;  // of a file that was cut short
};

// Throws Unreadable.
[[nodiscard]] BlackBox parse_black_box(std::string_view data);
[[nodiscard]] BlackBox read_black_box(const std::string& path);

// In words; of the level of an event without one, an empty text.
[[nodiscard]] const char* name_of_event(std::uint32_t kind);
[[nodiscard]] const char* name_of_level(std::uint32_t level);

// CRC-32 of what gave `checksum` with these bytes behind it; begins with 0.
[[nodiscard]] std::uint32_t add_to_checksum(std::uint32_t checksum,
                                            std::string_view bytes) noexcept;

}  // namespace luna::tool
