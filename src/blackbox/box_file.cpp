// SPDX-License-Identifier: MIT
#include "blackbox/box_file.hpp"

#include "os/clock.hpp"
#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/memory.hpp"
#include "telemetry/gzip.hpp"

#include <bit>
#include <cstring>

namespace luna {

namespace {

// The format is that of the machine, as it stands in memory.
static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(luna_blackbox_header) == 512);
static_assert(sizeof(luna_blackbox_record) == 40);

[[nodiscard]] std::size_t place_of(luna_blackbox_kind kind) noexcept {
  return static_cast<std::size_t>(kind) - 1;
}

template <std::size_t kBytes>
void put_text(char (&to)[kBytes], std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(to, text.data(), text.size() < kBytes ? text.size() : kBytes - 1);
}

void put_boot_id(luna_blackbox_header& header) noexcept {
  std::array<char, 64> buffer;
  std::string_view id =
      os::read_file("/proc/sys/kernel/random/boot_id", buffer.data(), buffer.size());
  if (id.ends_with('\n')) id.remove_suffix(1);
  put_text(header.boot_id, id);
}

void fill_header(luna_blackbox_header& header, const BoxOwner& owner) noexcept {
  header.process = os::process_id();
  header.began_epoch_ns = os::epoch_nanoseconds();
  header.began_ns = os::nanoseconds();
  header.page_bytes = os::page_bytes();
  put_boot_id(header);
  put_text(header.host, owner.host);
  put_text(header.lunalloc_version, owner.lunalloc_version);
  put_text(header.program, owner.program);
  const auto* bytes = reinterpret_cast<const char*>(&header);
  header.checksum = add_to_crc32(0, {bytes, offsetof(luna_blackbox_header, checksum)});
}

}  // namespace

// An eighth for sites, a quarter for events, and the rest for statistics. Small slots never lie
// across two pages.
luna_blackbox_header lay_out_box(std::size_t bytes) noexcept {
  luna_blackbox_header header = {};
  std::memcpy(header.magic, LUNA_BLACKBOX_MAGIC, sizeof header.magic);
  header.version = LUNA_BLACKBOX_VERSION;
  header.header_bytes = LUNA_BLACKBOX_HEADER_BYTES;
  header.file_bytes = bytes;
  header.rings = LUNA_BLACKBOX_RINGS;
  const std::uint64_t fit = bytes / 8 / BoxFile::kSitesSlotBytes;
  const std::uint64_t sites = fit < 2 ? 2 : fit;
  const std::uint64_t events = bytes / 4 / BoxFile::kSmallSlotBytes;
  const std::uint64_t sites_at = bytes - sites * BoxFile::kSitesSlotBytes;
  const std::uint64_t events_at = sites_at - events * BoxFile::kSmallSlotBytes;
  const std::uint64_t statistics =
      (events_at - LUNA_BLACKBOX_HEADER_BYTES) / BoxFile::kSmallSlotBytes;
  constexpr auto kSmall = static_cast<std::uint32_t>(BoxFile::kSmallSlotBytes);
  constexpr auto kLarge = static_cast<std::uint32_t>(BoxFile::kSitesSlotBytes);
  header.ring[place_of(LUNA_BLACKBOX_STATISTICS_KIND)] = {LUNA_BLACKBOX_STATISTICS_KIND, kSmall,
                                                          LUNA_BLACKBOX_HEADER_BYTES, statistics};
  header.ring[place_of(LUNA_BLACKBOX_EVENT_KIND)] = {LUNA_BLACKBOX_EVENT_KIND, kSmall, events_at,
                                                     events};
  header.ring[place_of(LUNA_BLACKBOX_SITES_KIND)] = {LUNA_BLACKBOX_SITES_KIND, kLarge, sites_at,
                                                     sites};
  return header;
}

int BoxFile::create(std::string_view path, std::size_t bytes, const BoxOwner& owner) noexcept {
  luna_blackbox_header header = lay_out_box(bytes);
  fill_header(header, owner);
  if (const int error = file_.create(path, bytes); error != 0) return error;
  std::memcpy(rings_.data(), header.ring, sizeof header.ring);
  for (auto& written : written_) written.store(0, std::memory_order_relaxed);
  if (!file_.write(0, &header, sizeof header)) {
    file_.release();
    return os::kInputOutput;
  }
  return file_.publish();
}

bool BoxFile::append(luna_blackbox_kind kind, char* record, std::size_t payload_bytes) noexcept {
  const luna_blackbox_ring& ring = rings_[place_of(kind)];
  // alone: no partner; whoever has the number owns the slot, until all others were filled
  const std::uint64_t before = written_[place_of(kind)].fetch_add(1, std::memory_order_relaxed);
  luna_blackbox_record head = {LUNA_BLACKBOX_RECORD_MAGIC,
                               static_cast<std::uint32_t>(kind),
                               before + 1,
                               os::epoch_nanoseconds(),
                               os::nanoseconds(),
                               static_cast<std::uint32_t>(payload_bytes),
                               0};
  const auto* bytes = reinterpret_cast<const char*>(&head);
  head.checksum = add_to_crc32(0, {bytes, offsetof(luna_blackbox_record, checksum)});
  head.checksum = add_to_crc32(head.checksum, {record + sizeof head, payload_bytes});
  std::memcpy(record, &head, sizeof head);
  const std::size_t at = ring.offset + before % ring.slots * ring.slot_bytes;
  return file_.write(at, record, sizeof head + payload_bytes);
}

}  // namespace luna
