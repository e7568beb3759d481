// SPDX-License-Identifier: MIT
// Comes near a limit of its memory and goes away from it: brings what it uses to so many MiB, one
// step after the other, and allocates a little at each.
//
// Usage: near_limit_guest blocks|space|data|small_stack MIB…
#include "expect.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kMiB = 1 << 20;

std::string part;
std::vector<std::size_t> steps;

// Allocates off the fast path, more often than the library looks.
void allocate_a_little() {
  for (int i = 0; i < 30; ++i) {
    EXPECT(usleep(10'000) == 0);
    free(expect::opaque(malloc(3 * kMiB)));
  }
}

// Blocks that were written to.
void step_blocks(std::size_t mebibytes) {
  static std::vector<void*> blocks;
  while (blocks.size() > mebibytes) {
    free(blocks.back());
    blocks.pop_back();
  }
  EXPECT(malloc_trim(0) >= 0);
  while (blocks.size() < mebibytes) {
    blocks.push_back(malloc(kMiB));
    EXPECT(blocks.back() != nullptr);
    memset(blocks.back(), 1, kMiB);
  }
}

// What /proc/self/status says, in MiB.
[[nodiscard]] std::size_t used_mebibytes(const char* key) {
  static char text[8192];
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  EXPECT(file >= 0);
  const ssize_t length = read(file, text, sizeof text - 1);
  EXPECT(length > 0 && close(file) == 0);
  text[length] = 0;
  const char* line = strstr(text, key);
  EXPECT(line != nullptr);
  return strtoul(line + strlen(key), nullptr, 10) >> 10;
}

// Address space that nobody touches.
void step_mapping(std::size_t mebibytes, const char* key, int protection) {
  static void* mapping = nullptr;
  static std::size_t bytes = 0;
  if (mapping != nullptr) EXPECT(munmap(mapping, bytes) == 0);
  const std::size_t used = used_mebibytes(key);
  EXPECT(used < mebibytes);
  bytes = (mebibytes - used) * kMiB;
  mapping = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  EXPECT(mapping != MAP_FAILED);
}

void* take_steps(void*) {
  for (const std::size_t step : steps) {
    if (part == "blocks") step_blocks(step);
    if (part == "space" || part == "small_stack") step_mapping(step, "VmSize:", PROT_NONE);
    if (part == "data") step_mapping(step, "VmData:", PROT_READ | PROT_WRITE);
    allocate_a_little();
  }
  return nullptr;
}

void take_steps_on_a_small_stack() {
  pthread_attr_t attributes;
  EXPECT(pthread_attr_init(&attributes) == 0);
  EXPECT(pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(PTHREAD_STACK_MIN)) == 0);
  pthread_t thread;
  EXPECT(pthread_create(&thread, &attributes, take_steps, nullptr) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
}

}  // namespace

int main(int count, char** arguments) {
  EXPECT(count > 2);
  expect::on_lunalloc();
  part = arguments[1];
  for (int i = 2; i < count; ++i) steps.push_back(std::strtoul(arguments[i], nullptr, 10));
  if (part == "small_stack") {
    take_steps_on_a_small_stack();
  } else {
    take_steps(nullptr);
  }
  std::puts("done");
  return 0;
}
