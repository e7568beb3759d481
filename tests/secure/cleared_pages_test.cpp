// SPDX-License-Identifier: MIT
// What lay in blocks of 300 KB to 40 MB is in no later block: whether all of it was touched or
// hardly any, and whether the block was freed or made smaller.
#include "blocks.hpp"
#include "expect.hpp"

#include <cstdlib>
#include <cstring>

namespace {

constexpr char kSecret = 'x';

[[nodiscard]] char* block_of(std::size_t bytes) {
  auto* const block = static_cast<char*>(malloc(bytes));
  EXPECT(block != nullptr);
  return block;
}

void expect_none_in_next(std::size_t bytes) {
  char* next[4];
  for (char*& block : next) block = block_of(bytes);
  for (const char* block : next) EXPECT_FOR(bytes, memchr(block, kSecret, bytes) == nullptr);
  for (char* block : next) free(block);
}

void leave_all_over(std::size_t bytes) {
  char* const block = block_of(bytes);
  memset(block, kSecret, bytes);
  free(block);
}

void leave_here_and_there(std::size_t bytes) {
  char* const block = block_of(bytes);
  for (std::size_t at = 0; at < bytes; at += 50'000) block[at] = kSecret;
  free(block);
}

void leave_behind_what_stays(std::size_t bytes) {
  char* const block = block_of(bytes);
  memset(block, kSecret, bytes);
  auto* const smaller = static_cast<char*>(realloc(block, bytes / 3));
  EXPECT(smaller != nullptr && smaller[0] == kSecret && smaller[bytes / 3 - 1] == kSecret);
  expect_none_in_next(bytes / 2);
  free(smaller);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  for (std::size_t bytes = 300'000; bytes < 40'000'000; bytes = bytes * 3 / 2) {
    leave_all_over(bytes);
    expect_none_in_next(bytes - 5000);
    leave_here_and_there(bytes);
    expect_none_in_next(bytes);
    leave_behind_what_stays(bytes);
  }
  return 0;
}
