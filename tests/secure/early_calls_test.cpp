// SPDX-License-Identifier: MIT
// What was kept before the first block was handed out is found again afterwards.
#include "early_calls.hpp"

#include "expect.hpp"

#include <cstdlib>

int main() {
  expect::on_lunalloc();
  EXPECT(early_calls_went_well());
  free(expect::opaque(malloc(1000)));
  EXPECT(call_them());
  return 0;
}
