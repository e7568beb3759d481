// SPDX-License-Identifier: MIT
// Blocks of libc's own malloc, got behind the preloaded library's back, reach free, realloc and
// malloc_usable_size of the program: they go back to libc.
#include "blocks.hpp"
#include "expect.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>

namespace {

// Of libc's main heap, of its mappings, and of the heaps that it makes for threads.
constexpr std::size_t kSizes[] = {1, 24, 100, 1000, 5000, 40000, 140000, 300000, 3000000, 70000000};

struct Libc {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
};

Libc libc;

template <typename Function>
void find(void* library, const char* name, Function** function) {
  *function = reinterpret_cast<Function*>(dlsym(library, name));
  EXPECT(*function != nullptr);
}

void use_foreign_blocks() {
  for (const std::size_t size : kSizes) {
    void* const block = libc.malloc(size);
    EXPECT_FOR(size, block != nullptr && malloc_usable_size(block) >= size);
    blocks::fill(block, size, 1);
    void* const larger = realloc(block, size * 3);
    EXPECT_FOR(size, larger != nullptr && blocks::holds(larger, size, 1));
    void* const smaller = realloc(larger, size / 2 + 1);
    EXPECT_FOR(size, smaller != nullptr && blocks::holds(smaller, size / 2 + 1, 1));
    free(smaller);

    errno = 4321;
    free(libc.malloc(size));
    free(libc.calloc(3, size));
    free(libc.memalign(4096, size));
    EXPECT(errno == 4321);
    EXPECT(realloc(libc.malloc(size), expect::opaque<std::size_t>(0)) == nullptr);

    errno = 0;
    void* const kept = libc.malloc(size);
    blocks::fill(kept, size, 2);
    EXPECT(realloc(kept, expect::opaque<std::size_t>(SIZE_MAX - 100)) == nullptr);
    EXPECT(errno == ENOMEM && blocks::holds(kept, size, 2));
    ::operator delete(kept);
  }
}

// Many at once, so that libc's heaps grow and shrink under the eyes of the library.
void many_foreign_blocks() {
  static thread_local void* given[20000];
  blocks::Random random(5);
  for (void*& block : given) block = libc.malloc(random.below(5000));
  for (void* block : given) free(block);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  void* const library = dlopen("libc.so.6", RTLD_NOW);
  EXPECT(library != nullptr);
  find(library, "malloc", &libc.malloc);
  find(library, "calloc", &libc.calloc);
  find(library, "memalign", &libc.memalign);

  use_foreign_blocks();
  many_foreign_blocks();
  std::thread([] {
    use_foreign_blocks();
    many_foreign_blocks();
  }).join();
  void* of_thread = nullptr;
  std::thread([&of_thread] { of_thread = libc.malloc(100); }).join();
  free(of_thread);
  return 0;
}
