// expects: use after free: read at
// dies of: SIGSEGV
// SPDX-License-Identifier: MIT
// One thread frees a block that another one reads.
#include "guarded.hpp"

#include <pthread.h>

namespace {

void* free_it(void* block) {
  free(block);
  return nullptr;
}

}  // namespace

int main() {
  char* const block = mistake::guarded_block(48, mistake::End::kLast);
  pthread_t thread;
  if (pthread_create(&thread, nullptr, free_it, block) != 0) return 2;
  pthread_join(thread, nullptr);
  mistake::read_at(mistake::announce(block));
  return 0;
}
