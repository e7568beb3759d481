// SPDX-License-Identifier: MIT
#include "blackbox_reader.hpp"

#include "box_bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <system_error>

namespace luna::tool {

namespace {

// The most that the library ever makes.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;

// Bytes that are taken from the front, as long as there are enough.
class Cursor {
 public:
  explicit Cursor(std::string_view data) : data_(data) {}

  template <typename Type>
  [[nodiscard]] bool take(Type& object) {
    if (data_.size() < sizeof object) return false;
    std::memcpy(&object, data_.data(), sizeof object);
    data_.remove_prefix(sizeof object);
    return true;
  }
  [[nodiscard]] bool take_text(std::uint64_t bytes, std::string& text) {
    if (data_.size() < bytes) return false;
    text = data_.substr(0, bytes);
    data_.remove_prefix(bytes);
    return true;
  }
  [[nodiscard]] bool skip(std::uint64_t bytes) {
    std::string skipped;
    return take_text(bytes, skipped);
  }
  [[nodiscard]] std::size_t left() const { return data_.size(); }

 private:
  std::string_view data_;
};

template <std::size_t kBytes>
[[nodiscard]] std::string text_of(const char (&text)[kBytes]) {
  return {text, strnlen(text, kBytes)};
}

[[nodiscard]] luna_blackbox_header read_header(std::string_view data) {
  constexpr std::size_t kMagicBytes = sizeof luna_blackbox_header::magic;
  if (data.substr(0, kMagicBytes) != LUNA_BLACKBOX_MAGIC)
    throw Unreadable(Status::kNoBlackBox,
                     "it is not a black box; give the file that the option `blackbox` names");
  luna_blackbox_header header;
  if (!Cursor(data).take(header))
    throw Unreadable(Status::kNoBlackBox, "it ends within its header; nothing can be read of it");
  if (header.version != LUNA_BLACKBOX_VERSION)
    throw Unreadable(Status::kOtherVersion,
                     "its format has version " + std::to_string(header.version) +
                         ", and this program knows " + std::to_string(LUNA_BLACKBOX_VERSION) +
                         "; use the `luna` of the lunalloc that wrote it");
  const std::size_t covered = offsetof(luna_blackbox_header, checksum);
  if (add_to_checksum(0, data.substr(0, covered)) != header.checksum)
    throw Unreadable(Status::kNoBlackBox, "its header is damaged; take a copy made earlier");
  return header;
}

void read_statistics(const Moment& moment, std::string_view payload, BlackBox& box) {
  BoxStatistics row = {moment, {}};
  std::memset(&row.numbers, 0xff, sizeof row.numbers);  // each is UNKNOWN
  std::memcpy(&row.numbers, payload.data(), std::min(payload.size(), sizeof row.numbers));
  box.statistics.push_back(row);
}

// False: it does not make sense.
[[nodiscard]] bool read_event(const Moment& moment, std::string_view payload, BlackBox& box) {
  Event event = {moment, {}, {}, {}};
  Cursor cursor(payload);
  if (!cursor.take(event.head)) return false;
  if (!cursor.take_text(event.head.text_bytes, event.text)) return false;
  event.source = text_of(event.head.source);
  box.events.push_back(event);
  return true;
}

[[nodiscard]] bool read_site(Cursor& cursor, Site& site) {
  if (!cursor.take(site.amounts)) return false;
  if (site.amounts.frames > cursor.left() / sizeof(std::uint64_t)) return false;
  site.frames.resize(site.amounts.frames);
  return std::all_of(site.frames.begin(), site.frames.end(),
                     [&](std::uint64_t& frame) { return cursor.take(frame); });
}

[[nodiscard]] bool read_module(Cursor& cursor, Module& module) {
  luna_blackbox_module head;
  if (!cursor.take(head)) return false;
  module.begin = head.begin;
  module.end = head.end;
  module.bias = head.bias;
  const std::uint64_t texts = std::uint64_t{head.path_bytes} + head.build_id_bytes;
  return cursor.take_text(head.path_bytes, module.path) &&
         cursor.take_text(head.build_id_bytes, module.build_id) && cursor.skip((8 - texts % 8) % 8);
}

[[nodiscard]] bool read_sites(const Moment& moment, std::string_view payload, BlackBox& box) {
  Sites sites = {moment, {}, {}, {}};
  Cursor cursor(payload);
  if (!cursor.take(sites.head)) return false;
  for (std::uint32_t i = 0; i < sites.head.sites; ++i)
    if (!read_site(cursor, sites.sites.emplace_back())) return false;
  for (std::uint32_t i = 0; i < sites.head.modules; ++i)
    if (!read_module(cursor, sites.modules.emplace_back())) return false;
  box.sites.push_back(std::move(sites));
  return true;
}

// The payload of a slot with a whole record. Requires: the slot is as long as a record's head.
[[nodiscard]] std::optional<std::string_view> payload_of(std::string_view slot,
                                                         const luna_blackbox_record& head,
                                                         std::uint32_t kind) {
  if (head.magic != LUNA_BLACKBOX_RECORD_MAGIC || head.kind != kind || head.sequence == 0)
    return std::nullopt;
  if (head.payload_bytes > slot.size() - sizeof head) return std::nullopt;
  const std::string_view payload = slot.substr(sizeof head, head.payload_bytes);
  const std::size_t covered = offsetof(luna_blackbox_record, checksum);
  const std::uint32_t checksum =
      add_to_checksum(add_to_checksum(0, slot.substr(0, covered)), payload);
  if (checksum != head.checksum) return std::nullopt;
  return payload;
}

// False: it is no whole record of this ring, or there is no room for it.
[[nodiscard]] bool read_record(const luna_blackbox_ring& ring, std::uint64_t place,
                               std::string_view slot, std::uint64_t& room, BlackBox& box) {
  luna_blackbox_record head;
  if (!Cursor(slot).take(head)) return false;
  const auto payload = payload_of(slot, head, ring.kind);
  if (!payload || (head.sequence - 1) % ring.slots != place) return false;
  const std::uint64_t row = sizeof(BoxStatistics) + payload->size();
  if (row > room) return false;
  room -= row;
  const Moment moment = {head.sequence, head.epoch_ns, head.monotonic_ns};
  if (ring.kind == LUNA_BLACKBOX_EVENT_KIND) return read_event(moment, *payload, box);
  if (ring.kind == LUNA_BLACKBOX_SITES_KIND) return read_sites(moment, *payload, box);
  if (ring.kind == LUNA_BLACKBOX_STATISTICS_KIND) read_statistics(moment, *payload, box);
  return true;
}

[[nodiscard]] bool is_empty(std::string_view slot) {
  return slot.substr(0, sizeof(luna_blackbox_record)).find_first_not_of('\0') ==
         std::string_view::npos;
}

// Where the next slot is that may hold something, behind an empty one.
[[nodiscard]] std::uint64_t next_place(const luna_blackbox_ring& ring, std::uint64_t place,
                                       const BoxBytes& bytes) {
  const std::uint64_t next = bytes.next_data(ring.offset + (place + 1) * ring.slot_bytes);
  return std::max(place + 1, (next - ring.offset) / ring.slot_bytes);
}

void read_ring(const luna_blackbox_ring& ring, BoxBytes& bytes, std::uint64_t& room,
               BlackBox& box) {
  if (ring.slot_bytes < sizeof(luna_blackbox_record)) return;
  for (std::uint64_t place = 0; place < ring.slots;) {
    const std::uint64_t at = ring.offset + place * ring.slot_bytes;
    const std::string_view slot = bytes.at(at, ring.slot_bytes);
    if (slot.empty()) return;
    const bool empty = is_empty(slot);
    if (!empty && !read_record(ring, place, slot, room, box)) ++box.torn;
    place = empty ? next_place(ring, place, bytes) : place + 1;
  }
}

template <typename Rows>
void sort_by_sequence(Rows& rows) {
  std::sort(rows.begin(), rows.end(), [](const auto& one, const auto& other) {
    return one.moment.sequence < other.moment.sequence;
  });
}

[[nodiscard]] BlackBox parse(BoxBytes bytes) {
  BlackBox box;
  box.header = read_header(bytes.at(0, sizeof box.header));
  box.host = text_of(box.header.host);
  box.program = text_of(box.header.program);
  box.lunalloc_version = text_of(box.header.lunalloc_version);
  box.boot_id = text_of(box.header.boot_id);
  if (bytes.size() < box.header.file_bytes)
    box.missing_bytes = box.header.file_bytes - bytes.size();
  // A small file that says that it has very many rows does no harm. In a box that the library made
  // each takes less than two times its slot.
  std::uint64_t room = 2 * bytes.size();
  for (const luna_blackbox_ring& ring : box.header.ring) read_ring(ring, bytes, room, box);
  sort_by_sequence(box.statistics);
  sort_by_sequence(box.events);
  sort_by_sequence(box.sites);
  return box;
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)) {}
  ~OpenFile() { close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

 private:
  int descriptor_;  // -1: it could not be opened, and errno says why
};

}  // namespace

const Module* Sites::module_of(std::uint64_t frame) const noexcept {
  const auto found = std::find_if(modules.begin(), modules.end(), [frame](const Module& module) {
    return frame - 1 >= module.begin && frame - 1 < module.end;
  });
  return found != modules.end() ? &*found : nullptr;
}

bool BlackBox::has_exit() const noexcept {
  return std::any_of(events.begin(), events.end(),
                     [](const Event& event) { return event.head.kind == LUNA_BLACKBOX_EXIT; });
}

BlackBox parse_black_box(std::string_view data) { return parse(BoxBytes(data)); }

BlackBox read_black_box(const std::string& path) {
  const OpenFile file(path);
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0)
    throw Unreadable(Status::kCannotOpen, std::generic_category().message(errno) +
                                              "; does the option `blackbox` name another file?");
  if (!S_ISREG(status.st_mode))
    throw Unreadable(Status::kNoBlackBox, "it is no file; give the one that `blackbox` names");
  const auto there = static_cast<std::uint64_t>(status.st_size);
  BoxBytes front(file.descriptor(), std::min<std::uint64_t>(there, sizeof(luna_blackbox_header)));
  const luna_blackbox_header header = read_header(front.at(0, sizeof header));
  if (header.file_bytes > kMostBytes)
    throw Unreadable(Status::kNoBlackBox, "its header says that it has " +
                                              std::to_string(header.file_bytes) +
                                              " bytes, which no black box has");
  try {
    return parse(BoxBytes(file.descriptor(), std::min(there, header.file_bytes)));
  } catch (const std::bad_alloc&) {
    throw Unreadable(Status::kNoBlackBox, "there is no memory for all that it says");
  }
}

std::uint32_t add_to_checksum(std::uint32_t checksum, std::string_view bytes) noexcept {
  constexpr std::uint32_t kPolynomial = 0xedb88320U;
  checksum = ~checksum;
  for (const char c : bytes) {
    checksum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit)
      checksum = checksum >> 1 ^ ((checksum & 1U) != 0 ? kPolynomial : 0);
  }
  return ~checksum;
}

const char* name_of_event(std::uint32_t kind) {
  constexpr std::array kNames = {"message", "pressure", "refused", "near limit", "mistake", "exit"};
  return kind >= 1 && kind <= kNames.size() ? kNames[kind - 1] : "unknown";
}

const char* name_of_level(std::uint32_t level) {
  constexpr std::array kNames = {"", "low", "moderate", "critical"};
  return level < kNames.size() ? kNames[level] : "unknown";
}

}  // namespace luna::tool
