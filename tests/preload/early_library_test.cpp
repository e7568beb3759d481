// SPDX-License-Identifier: MIT
// Another library preloaded before or after the allocator, which allocates in its constructors:
// its blocks are good in the program, and the program's in its destructors.
//
// Usage: early_library_test EARLY_LIBRARY ALLOCATOR
#include "blocks.hpp"
#include "expect.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

namespace {

template <typename Function>
[[nodiscard]] Function* find(const char* name) {
  void* const address = dlsym(RTLD_DEFAULT, name);
  EXPECT(address != nullptr);
  return reinterpret_cast<Function*>(address);
}

// The second block of the library is 40 bytes long; it gets one of ours instead.
void work(bool library_is_first) {
  auto* const block_of = find<void*(std::size_t)>("early_block");
  auto* const replace = find<void(std::size_t, void*)>("early_replace");
  void* const theirs = block_of(1);
  EXPECT(blocks::holds(theirs, 40, 40));
  std::thread([theirs] { free(theirs); }).join();
  void* const ours = malloc(40);
  blocks::fill(ours, 40, 40);
  replace(1, ours);
  void* const grown = realloc(block_of(2), 600);
  EXPECT(blocks::holds(grown, 500, 500));
  replace(2, grown);

  auto* const count = find<unsigned()>("early_callocs");
  const unsigned before = count();
  void* const zeroed = expect::opaque(calloc(100, 100));
  EXPECT(blocks::all_zero(zeroed, 10000));
  EXPECT(count() == before + (library_is_first ? 1 : 0));
  free(zeroed);
}

[[nodiscard]] int run_with(const std::string& preload, const char* word, const char* options) {
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    setenv("LD_PRELOAD", preload.c_str(), 1);
    setenv("LUNALLOC_CONF", options, 1);
    execl("/proc/self/exe", "early_library_test", word, nullptr);
    _exit(1);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child);
  EXPECT(!WIFSIGNALED(status));
  return WEXITSTATUS(status);
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2) {
    expect::on_lunalloc();
    work(strcmp(arguments[1], "first") == 0);
    return 0;
  }
  EXPECT(count == 3);
  const std::string early = arguments[1];
  const std::string allocator = arguments[2];
  for (const char* options : {"", "enabled:false"}) {
    EXPECT(run_with(early + ":" + allocator, "first", options) == 0);
    EXPECT(run_with(allocator + " " + early, "last", options) == 0);
  }
  return 0;
}
