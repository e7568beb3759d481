// SPDX-License-Identifier: MIT
#include "telemetry/json.hpp"

#include "support/sample_profile.hpp"

#include <gtest/gtest.h>

namespace luna {
namespace {

TEST(Json, TextIsQuotedAndValid) {
  test::StringOutput output;
  add_string(add_name(output.out, "a name"), "quote \" back \\ tab \t bad \xFF end");
  EXPECT_EQ(output.text, "\"a name\":\"quote \\\" back \\\\ tab \\u0009 bad \xEF\xBF\xBD end\"");
}

}  // namespace
}  // namespace luna
