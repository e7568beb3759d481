// SPDX-License-Identifier: MIT
#include "accept_field.hpp"

#include <gtest/gtest.h>

namespace luna::tool {
namespace {

TEST(AcceptField, HasTheWeightOfAType) {
  struct {
    const char* accept;
    double wanted;
  } const cases[] = {
      {"", 0},
      {"text/plain", 1},
      {"TEXT/Plain ; version=0.0.4", 1},
      {"a/b, text/plain;version=1;q=0.5,*/*", 0.5},
      {"text/plain;q=0.3, text/plain;q=0.7", 0.7},
      {"text/plain;q=0", 0},
      {"text/plain;q=2", 0},
      {"text/plain;q=nan", 0},
      {"text/plain;q", 0},
      {"text/plainer, text/*, */*", 0},
      {",,;,text/plain,", 1},
  };
  for (const auto& [accept, weight] : cases)
    EXPECT_EQ(wanted(accept, "text/plain"), weight) << accept;
}

}  // namespace
}  // namespace luna::tool
