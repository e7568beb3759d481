// SPDX-License-Identifier: MIT
// Says on stdout whose malloc it is running on. With the argument "work" it then does what
// programs do with memory, and with "where" it says where its blocks lie.
#include "expect.hpp"

#include <malloc.h>
#include <sys/auxv.h>
#include <sys/wait.h>

#include <cstdint>
#include <cstring>
#include <future>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {

// The two round sizes up differently.
[[nodiscard]] const char* owner_of_malloc() {
  void* const block = expect::opaque(malloc(100));
  const std::size_t usable = malloc_usable_size(block);
  free(block);
  if (usable == 112) return "lunalloc";
  return usable == 104 ? "libc" : "unknown";
}

[[nodiscard]] bool in_brk_heap(const void* block) {
  FILE* const maps = fopen("/proc/self/maps", "re");
  EXPECT(maps != nullptr);
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  bool found = false;
  char line[512];
  while (fgets(line, sizeof line, maps) != nullptr) {
    char* end = nullptr;
    const std::uintptr_t first = strtoull(line, &end, 16);
    const std::uintptr_t last = strtoull(end + 1, nullptr, 16);
    if (address >= first && address < last) found = strstr(line, "[heap]") != nullptr;
  }
  fclose(maps);
  return found;
}

struct alignas(1024) Wide {
  char bytes[1024];
};

void use_the_family() {
  std::map<std::string, std::unique_ptr<Wide>> table;
  for (int i = 0; i < 300; ++i) table["a key of some length " + std::to_string(i)].reset(new Wide);
  for (const auto& entry : table) {
    EXPECT(reinterpret_cast<std::uintptr_t>(entry.second.get()) % 1024 == 0);
  }
  char* text = static_cast<char*>(calloc(10, 10));
  for (std::size_t bytes = 100; bytes < 8'000'000; bytes *= 3) {
    text = static_cast<char*>(realloc(text, bytes));
    EXPECT_FOR(bytes, text != nullptr && malloc_usable_size(text) >= bytes);
    text[bytes - 1] = 'x';
  }
  free(text);
  void* aligned = nullptr;
  EXPECT(posix_memalign(&aligned, 4096, 100) == 0);
  free(aligned);
  free(valloc(10));
  errno = 0;
  EXPECT(expect::opaque(malloc(expect::opaque(PTRDIFF_MAX - 4095UL))) == nullptr);
  EXPECT(errno == ENOMEM);
  free(nullptr);
}

void work() {
  use_the_family();
  std::vector<std::future<void*>> results;
  for (int i = 0; i < 4; ++i) {
    results.push_back(std::async(std::launch::async, [] {
      use_the_family();
      return malloc(1000);
    }));
  }
  for (auto& result : results) free(result.get());
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    std::thread(use_the_family).join();
    exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

}  // namespace

int main(int count, char** arguments) {
  expect::print(STDOUT_FILENO, "malloc=%s\n", owner_of_malloc());
  expect::print(STDOUT_FILENO, "privileged=%lu\n", getauxval(AT_SECURE));
  for (int i = 1; i < count; ++i) {
    if (strcmp(arguments[i], "work") == 0) work();
    if (strcmp(arguments[i], "where") == 0) {
      void* const block = malloc(100);
      expect::print(STDOUT_FILENO, "brk_heap=%d\n", in_brk_heap(block) ? 1 : 0);
      free(block);
    }
  }
  expect::print(STDOUT_FILENO, "done\n");
  return 0;
}
