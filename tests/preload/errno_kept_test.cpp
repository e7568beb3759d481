// SPDX-License-Identifier: MIT
// free leaves errno alone, whatever it does inside: for every range of sizes, for batches that
// empty caches, and for blocks of another thread.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

namespace {

constexpr int kMark = 12345;

void free_keeps_errno(void* block) {
  errno = kMark;
  free(block);
  EXPECT(errno == kMark);
}

void one_block_of_every_range() {
  for (std::size_t size = 1; size <= 2 * blocks::kGiB; size = size * 3 / 2 + 1) {
    void* const block = malloc(expect::opaque(size));
    EXPECT_FOR(size, block != nullptr);
    static_cast<char*>(block)[0] = 1;
    free_keeps_errno(block);
  }
  free_keeps_errno(nullptr);
}

std::vector<void*> many_blocks() {
  blocks::Random random(7);
  std::vector<void*> given;
  for (int i = 0; i < 20000; ++i) given.push_back(malloc(random.size()));
  return given;
}

void delete_keeps_errno() {
  void* const plain = ::operator new(expect::opaque<std::size_t>(40));
  void* const aligned = ::operator new (expect::opaque<std::size_t>(5000), std::align_val_t{256});
  errno = kMark;
  ::operator delete(plain);
  ::operator delete (aligned, std::align_val_t{256});
  EXPECT(errno == kMark);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  one_block_of_every_range();
  delete_keeps_errno();

  for (void* block : many_blocks()) free_keeps_errno(block);

  std::vector<void*> of_other_thread;
  std::thread([&] { of_other_thread = many_blocks(); }).join();
  for (void* block : of_other_thread) free_keeps_errno(block);

  errno = kMark;
  malloc_trim(0);
  EXPECT(errno == kMark);
  return 0;
}
