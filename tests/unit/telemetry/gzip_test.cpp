// SPDX-License-Identifier: MIT
#include "telemetry/gzip.hpp"

#include "support/gzip_reader.hpp"
#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(Gzip, ChecksumIsThatOfTheStandard) {
  EXPECT_EQ(add_to_crc32(0, "123456789"), 0xCBF43926U);
  EXPECT_EQ(add_to_crc32(add_to_crc32(0, "1234"), "56789"), 0xCBF43926U);
  EXPECT_EQ(add_to_crc32(0, ""), 0U);
}

TEST(Gzip, NothingIsOneEmptyBlock) {
  test::StringOutput string;
  GzipOutput gzip(string.out);

  EXPECT_TRUE(gzip.finish());

  int blocks = 0;
  EXPECT_EQ(test::unzip_stored(string.text, &blocks), "");
  EXPECT_EQ(blocks, 1);
}

TEST(Gzip, BlockIsFilledBeforeTheNextBegins) {
  for (const std::size_t bytes : {1U, 2047U, 2048U, 2049U, 10'000U}) {
    test::StringOutput string;
    GzipOutput gzip(string.out);
    std::string data;
    Output out = gzip.output();
    for (std::size_t i = 0; i < bytes; ++i) data += static_cast<char>(i % 251);
    out.add(std::string_view(data).substr(0, bytes / 3))
        .add(std::string_view(data).substr(bytes / 3));

    EXPECT_TRUE(gzip.finish());

    int blocks = 0;
    EXPECT_EQ(test::unzip_stored(string.text, &blocks), data);
    EXPECT_EQ(blocks, static_cast<int>((bytes + 2047) / 2048));
  }
}

TEST(Gzip, OutputThatFailsIsReported) {
  test::FullOutput full{12};
  GzipOutput gzip(full.out);
  gzip.output().add("text");

  EXPECT_FALSE(gzip.finish());
}

}  // namespace
}  // namespace luna
