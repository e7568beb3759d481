// SPDX-License-Identifier: MIT
// The file of a black box: its rings, and records that are put into them. The format is that of
// lunalloc/blackbox.h.
#pragma once

#include "os/shared_file.hpp"

#include <lunalloc/blackbox.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace luna {

// Who keeps the box, as the header tells.
struct BoxOwner {
  std::string_view host;
  std::string_view program;
  std::string_view lunalloc_version;
};

// Where the rings are in a file of so many bytes.
[[nodiscard]] luna_blackbox_header lay_out_box(std::size_t bytes) noexcept;

// Room for a record, whose payload its user fills.
template <std::size_t kBytes>
struct RecordBuffer {
  static constexpr std::size_t kMostPayload = kBytes - sizeof(luna_blackbox_record);

  [[nodiscard]] char* payload() noexcept { return bytes.data() + sizeof(luna_blackbox_record); }

  alignas(8) std::array<char, kBytes> bytes;
};

// A record is complete or it is not: its checksum covers all of it, and the reader skips what
// has a wrong one. What it replaces is the oldest of its ring.
//
// Threads: append() any, also in signal handlers, with its own record; the others one.
class BoxFile {
 public:
  static constexpr std::size_t kLeastKib = 128;
  static constexpr std::size_t kSmallSlotBytes = 512;
  static constexpr std::size_t kSitesSlotBytes = 16384;

  using SmallRecord = RecordBuffer<kSmallSlotBytes>;
  using SitesRecord = RecordBuffer<kSitesSlotBytes>;

  constexpr BoxFile() noexcept = default;
  BoxFile(const BoxFile&) = delete;
  BoxFile& operator=(const BoxFile&) = delete;

  // Returns 0 or an errno value; then there is none. Requires: there is none, and the bytes are
  // at least those of kLeastKib.
  [[nodiscard]] int create(std::string_view path, std::size_t bytes,
                           const BoxOwner& owner) noexcept;

  // Puts the record into the ring of its kind. False: the file cannot be written to any more.
  template <std::size_t kBytes>
  [[nodiscard]] bool append(luna_blackbox_kind kind, RecordBuffer<kBytes>& record,
                            std::size_t payload_bytes) noexcept {
    return append(kind, record.bytes.data(), payload_bytes);
  }

  void release() noexcept { file_.release(); }

 private:
  [[nodiscard]] bool append(luna_blackbox_kind kind, char* record,
                            std::size_t payload_bytes) noexcept;

  os::SharedFile file_;
  std::array<luna_blackbox_ring, LUNA_BLACKBOX_RINGS> rings_{};
  std::array<std::atomic<std::uint64_t>, LUNA_BLACKBOX_RINGS> written_{};
};

}  // namespace luna
