// SPDX-License-Identifier: MIT
#include "telemetry/gzip.hpp"

#include "base/format.hpp"

#include <cstring>

namespace luna {

namespace {

[[nodiscard]] constexpr std::array<std::uint32_t, 256> make_table() noexcept {
  std::array<std::uint32_t, 256> table = {};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0xEDB88320U : 0);
    table[i] = rest;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

// Deflate, no flags, no time, no extra flags, unknown system.
constexpr std::string_view kHead("\x1F\x8B\x08\0\0\0\0\0\0\xFF", 10);

}  // namespace

std::uint32_t add_to_crc32(std::uint32_t checksum, std::string_view bytes) noexcept {
  checksum = ~checksum;
  for (const char c : bytes)
    checksum = kTable[(checksum ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (checksum >> 8);
  return ~checksum;
}

GzipOutput::GzipOutput(Output& out) noexcept : out_(out) { out_.add(kHead); }

bool GzipOutput::write(void* context, std::string_view bytes) noexcept {
  GzipOutput& gzip = *static_cast<GzipOutput*>(context);
  while (!bytes.empty()) {
    if (gzip.length_ == gzip.block_.size()) gzip.put_block(false);
    const std::string_view part = part_of(bytes, 0, gzip.block_.size() - gzip.length_);
    std::memcpy(gzip.block_.data() + gzip.length_, part.data(), part.size());
    gzip.length_ += part.size();
    bytes.remove_prefix(part.size());
  }
  return gzip.out_.ok();
}

bool GzipOutput::finish() noexcept {
  put_block(true);
  put_number(checksum_, 4);
  put_number(total_bytes_, 4);
  return out_.ok();
}

// A stored block: whether it is the last, its length, the length's complement, the bytes.
void GzipOutput::put_block(bool is_last) noexcept {
  const std::string_view bytes(block_.data(), length_);
  const auto length = static_cast<std::uint32_t>(length_);
  put_number(is_last ? 1 : 0, 1);
  put_number(length, 2);
  put_number(~length, 2);
  out_.add(bytes);
  checksum_ = add_to_crc32(checksum_, bytes);
  total_bytes_ += length;
  length_ = 0;
}

void GzipOutput::put_number(std::uint32_t value, std::size_t bytes) noexcept {
  std::array<char, 4> little_endian;
  for (std::size_t i = 0; i < bytes; ++i)
    little_endian[i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
  out_.add({little_endian.data(), bytes});
}

}  // namespace luna
