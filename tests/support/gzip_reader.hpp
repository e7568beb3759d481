// SPDX-License-Identifier: MIT
// Reads a gzip file whose blocks are stored, and checks all that it says of itself.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace luna::test {

[[nodiscard]] inline std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

// Bit by bit, unlike the table that is tested.
[[nodiscard]] inline std::uint32_t slow_crc32(std::string_view bytes) {
  std::uint32_t rest = ~0U;
  for (const char c : bytes) {
    rest ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) rest = (rest & 1U) != 0 ? rest >> 1 ^ 0xEDB88320U : rest >> 1;
  }
  return ~rest;
}

[[nodiscard]] inline std::string unzip_stored(std::string_view file, int* blocks = nullptr) {
  std::string data;
  EXPECT_EQ(file.substr(0, 4), std::string_view("\x1F\x8B\x08\0", 4));
  file.remove_prefix(10);
  for (bool is_last = false; !is_last;) {
    EXPECT_GE(file.size(), 13U);
    if (file.size() < 13) return {};
    EXPECT_LE(file[0], 1);
    is_last = file[0] == 1;
    const std::uint32_t length = little_endian(file.substr(1, 2));
    EXPECT_EQ(little_endian(file.substr(3, 2)), length ^ 0xFFFFU);
    data += file.substr(5, length);
    file.remove_prefix(5 + length);
    if (blocks != nullptr) ++*blocks;
  }
  EXPECT_EQ(file.size(), 8U);
  EXPECT_EQ(little_endian(file.substr(0, 4)), slow_crc32(data));
  EXPECT_EQ(little_endian(file.substr(4, 4)), data.size());
  return data;
}

}  // namespace luna::test
