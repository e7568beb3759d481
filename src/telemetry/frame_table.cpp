// SPDX-License-Identifier: MIT
#include "telemetry/frame_table.hpp"

namespace luna {

namespace {

// More than any table is large: the header does not say where it ends.
constexpr std::size_t kUnknownBytes = std::size_t{1} << 31;

// Where a function begins and where its entry lies, both from the header on.
struct SearchEntry {
  std::int32_t code;
  std::int32_t entry;
};

[[nodiscard]] SearchEntry entry_at(const std::byte* table, std::size_t index) noexcept {
  SearchEntry entry;
  std::memcpy(&entry, table + index * sizeof entry, sizeof entry);
  return entry;
}

// The last entry that begins at `code` or before; nullptr: there is none.
[[nodiscard]] const std::byte* search(const std::byte* header, std::uintptr_t code) noexcept {
  constexpr std::uint8_t kVersion = 1;
  constexpr std::uint8_t kSorted = pointer_encoding::kFromTable | pointer_encoding::kSigned4;
  DwarfReader reader(header, header + kUnknownBytes);
  if (reader.byte() != kVersion) return nullptr;
  const std::uint8_t of_frames = reader.byte();
  const std::uint8_t of_count = reader.byte();
  if (reader.byte() != kSorted) return nullptr;
  static_cast<void>(reader.pointer_value(of_frames));
  const std::size_t count = reader.pointer_value(of_count);
  if (reader.has_failed()) return nullptr;

  const auto distance = static_cast<std::int64_t>(code - address_of(header));
  std::size_t first = 0;
  for (std::size_t left = count; left != 0;) {
    const std::size_t half = left / 2;
    const bool is_before = entry_at(reader.here(), first + half).code <= distance;
    if (is_before) first += half + 1;
    left = is_before ? left - half - 1 : half;
  }
  return first == 0 ? nullptr : header + entry_at(reader.here(), first - 1).entry;
}

// What one entry holds behind its length; empty for the 64-bit format, which is not used.
[[nodiscard]] DwarfReader contents(const std::byte* entry) noexcept {
  constexpr std::uint32_t kLong = 0xffffffff;
  DwarfReader reader(entry, entry + kUnknownBytes);
  const auto length = reader.fixed<std::uint32_t>();
  return length == kLong ? DwarfReader{} : reader.block(length);
}

// Reads what the letters of the CIE's augmentation stand for.
[[nodiscard]] bool read_augmentation(const char* letters, DwarfReader reader,
                                     FrameDescription& found) noexcept {
  for (; *letters != '\0'; ++letters) {
    switch (*letters) {
      case 'L':
        reader.skip(1);
        break;
      case 'P':
        static_cast<void>(reader.pointer_value(reader.byte()));
        break;
      case 'R':
        found.pointer_encoding = reader.byte();
        break;
      case 'S':
        found.is_signal_frame = true;
        break;
      case 'B':  // return addresses are signed with the other key
        break;
      default:
        return false;
    }
  }
  return !reader.has_failed();
}

[[nodiscard]] bool read_common(const std::byte* entry, FrameDescription& found) noexcept {
  DwarfReader reader = contents(entry);
  const auto id = reader.fixed<std::uint32_t>();
  const std::uint8_t version = reader.byte();
  if (reader.has_failed() || id != 0 || (version != 1 && version != 3)) return false;
  const char* letters = reinterpret_cast<const char*>(reader.here());
  while (reader.byte() != 0) continue;
  found.code_unit = reader.unsigned_number();
  found.data_unit = reader.signed_number();
  found.return_address_register = version == 1 ? reader.byte() : reader.unsigned_number();
  if (reader.has_failed()) return false;
  // Others say not how long their augmentation is; no compiler has written them for long.
  if (*letters != 'z') return false;
  const std::uint64_t bytes = reader.unsigned_number();
  if (!read_augmentation(letters + 1, reader.block(bytes), found)) return false;
  found.common_program = reader;
  return !reader.has_failed();
}

}  // namespace

bool find_frame(const std::byte* eh_frame_header, std::uintptr_t code,
                FrameDescription& found) noexcept {
  const std::byte* entry = search(eh_frame_header, code);
  if (entry == nullptr) return false;
  DwarfReader reader = contents(entry);
  const std::byte* place = reader.here();
  const auto to_common = reader.fixed<std::uint32_t>();
  if (reader.has_failed() || to_common == 0) return false;
  if (!read_common(place - to_common, found)) return false;
  found.begin = reader.pointer(found.pointer_encoding);
  found.end = found.begin + reader.pointer_value(found.pointer_encoding);
  if (code < found.begin || code >= found.end) return false;
  const std::uint64_t augmentation = reader.unsigned_number();
  reader.skip(augmentation);
  found.program = reader;
  return !reader.has_failed();
}

}  // namespace luna
