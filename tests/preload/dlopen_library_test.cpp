// SPDX-License-Identifier: MIT
// The library loaded at run time into a process that was not preloaded: its thread-local storage
// fits, threads older than the load can use it, and the process keeps its own malloc.
#include "blocks.hpp"
#include "expect.hpp"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kSizes[] = {0, 1, 24, 100, 1000, 5000, 40000, 300000, 3000000};

struct Luna {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void (*free)(void*);
};

std::atomic<const Luna*> loaded{nullptr};

template <typename Function>
void find(void* library, const char* name, Function** function) {
  *function = reinterpret_cast<Function*>(dlsym(library, name));
  if (*function == nullptr) expect::print(STDERR_FILENO, "%s is missing\n", name);
  EXPECT(*function != nullptr);
}

const void* object_of(const void* address) {
  Dl_info info;
  EXPECT(dladdr(address, &info) != 0);
  return info.dli_fbase;
}

void use(const Luna& luna) {
  for (const std::size_t size : kSizes) {
    void* block = luna.malloc(size);
    EXPECT_FOR(size, block != nullptr && blocks::aligned(block, 16));
    blocks::fill(block, size, 1);
    free(malloc(size));
    block = luna.realloc(block, size * 2 + 1);
    EXPECT_FOR(size, block != nullptr && blocks::holds(block, size, 1));
    luna.free(block);
    void* const zeroed = luna.calloc(2, size);
    EXPECT_FOR(size, zeroed != nullptr && blocks::all_zero(zeroed, size * 2));
    luna.free(zeroed);
  }
}

void wait_and_use() {
  while (loaded == nullptr) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) use(*loaded);
}

void use_in_a_child(const Luna& luna) {
  void* const of_parent = luna.malloc(100);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    luna.free(of_parent);
    use(luna);
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  luna.free(of_parent);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count == 2);
  EXPECT(dlsym(RTLD_DEFAULT, "luna_version") == nullptr);
  std::vector<std::thread> older;
  for (int i = 0; i < 3; ++i) older.emplace_back(wait_and_use);

  void* const library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) expect::print(STDERR_FILENO, "%s\n", dlerror());
  EXPECT(library != nullptr);
  Luna luna;
  find(library, "luna_malloc", &luna.malloc);
  find(library, "luna_calloc", &luna.calloc);
  find(library, "luna_realloc", &luna.realloc);
  find(library, "luna_free", &luna.free);
  loaded = &luna;

  use(luna);
  EXPECT(object_of(reinterpret_cast<const void*>(&malloc)) !=
         object_of(reinterpret_cast<const void*>(luna.malloc)));
  std::thread(use, luna).join();
  use_in_a_child(luna);
  for (std::thread& thread : older) thread.join();

  // Its blocks may be anywhere, so closing must not unload it.
  void* const block = luna.malloc(100);
  EXPECT(dlclose(library) == 0);
  luna.free(block);
  std::thread(use, luna).join();
  return 0;
}
