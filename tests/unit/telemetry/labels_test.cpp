// SPDX-License-Identifier: MIT
#include "telemetry/labels.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

using namespace std::string_literals;

// As a table keeps them: "\3key\5value".
const std::string kTwo = "\4kind\0\6tenant\4blue"s;
const std::string kOdd = "\1k\xBx y;z\n\\\"\xFF\x7F!"s;

template <typename Add>
std::string written(Add add, std::string_view packed) {
  test::StringOutput output;
  add(output.out, Labels(packed));
  return output.text;
}

TEST(Labels, NoneAreEmpty) {
  const Labels none;

  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.count(), 0U);
  EXPECT_FALSE(none.has(""));
  EXPECT_EQ(written(add_labels, ""), "");
  EXPECT_EQ(written(add_label_frames, ""), "");
  EXPECT_EQ(written(add_label_object, ""), "{}");
}

TEST(Labels, AreFoundByTheirKeys) {
  const Labels labels(kTwo);

  EXPECT_EQ(labels.count(), 2U);
  EXPECT_TRUE(labels.has("kind"));
  EXPECT_TRUE(labels.has("tenant"));
  EXPECT_FALSE(labels.has("blue"));
  EXPECT_FALSE(labels.has("ten"));
}

TEST(Labels, AreWrittenForEachReader) {
  EXPECT_EQ(written(add_labels, kTwo), " [kind=] [tenant=blue]");
  EXPECT_EQ(written(add_label_frames, kTwo), "[kind=];[tenant=blue]");
  EXPECT_EQ(written(add_label_object, kTwo), R"({"kind":"","tenant":"blue"})");
}

TEST(Labels, ValuesOfAnyBytesBreakNoFormat) {
  EXPECT_EQ(written(add_labels, kOdd), " [k=x y;z\\x0a\\x5c\"\xEF\xBF\xBD\\x7f!]");
  EXPECT_EQ(written(add_label_frames, kOdd), "[k=x_y_z_\\\"\xEF\xBF\xBD_!]");
  EXPECT_EQ(written(add_label_object, kOdd),
            "{\"k\":\"x y;z\\u000a\\\\\\\"\xEF\xBF\xBD\\u007f!\"}");
}

TEST(Labels, KeysAreWords) {
  EXPECT_TRUE(is_label_key("a"));
  EXPECT_TRUE(is_label_key("http.request/kind-2_Z"));
  EXPECT_TRUE(is_label_key(std::string(kMostKeyBytes, 'k')));
  EXPECT_FALSE(is_label_key(std::string(kMostKeyBytes + 1, 'k')));
  for (const char* key : {"", "a b", "a=b", "a;b", "[a", "\"", "\xC3\xA4", "a\n"})
    EXPECT_FALSE(is_label_key(key)) << key;
}

}  // namespace
}  // namespace luna
