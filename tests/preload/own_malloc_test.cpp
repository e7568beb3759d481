// SPDX-License-Identifier: MIT
// A program that defines malloc, calloc, realloc and free itself and builds them on __libc_malloc
// and its kin, as many wrappers do: what it does not define still fits to what it does.
#include "blocks.hpp"
#include "expect.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<long> allocated{0};
std::atomic<long> released{0};

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t size) noexcept {
  ++allocated;
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) noexcept {
  ++allocated;
  return __libc_calloc(count, size);
}

void* realloc(void* block, std::size_t size) noexcept { return __libc_realloc(block, size); }

void free(void* block) noexcept {
  ++released;
  __libc_free(block);
}
}

namespace {

void work() {
  blocks::Random random(1);
  std::vector<std::string> names;
  for (int i = 0; i < 10000; ++i) {
    names.emplace_back(random.below(500), 'n');
    char* const text = strdup(names.back().c_str());
    EXPECT(strlen(text) == names.back().size());
    free(text);
    free(memalign(256, random.below(10000)));
    void* const block = malloc(random.size());
    EXPECT(malloc_usable_size(block) > 0);
    free(realloc(block, random.size()));
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  work();
  std::thread(work).join();
  EXPECT(allocated > 40000 && released > 40000);
  return 0;
}
