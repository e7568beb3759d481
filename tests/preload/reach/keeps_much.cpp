// SPDX-License-Identifier: MIT
// A program whose profile is easily told: one function keeps nearly all.
#include <cstdlib>

namespace {

void* kept[1000];

[[gnu::noinline]] void keep_much() {
  for (void*& block : kept) {
    block = std::malloc(10'000);
    *static_cast<volatile char*>(block) = 1;
  }
}

}  // namespace

int main() {
  keep_much();
  return kept[7] != nullptr ? 0 : 1;
}
