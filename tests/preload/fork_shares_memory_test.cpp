// SPDX-License-Identifier: MIT
// A child that allocates little keeps sharing its parent's memory: forking and allocating must
// not write all over the metadata of a large heap. Pre-fork servers live from this.
#include "blocks.hpp"
#include "expect.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace {

constexpr std::size_t kBlocks = 400000;
constexpr long kAllowedFaults = 500;

// Each copy of a shared page is a fault of the child, whose count starts at zero.
long page_faults() {
  rusage usage;
  EXPECT(getrusage(RUSAGE_SELF, &usage) == 0);
  return usage.ru_minflt;
}

void allocate_little() {
  void* kept[100];
  for (int round = 0; round < 10; ++round) {
    for (void*& block : kept) block = calloc(1, 200);
    for (void* block : kept) free(block);
  }
}

}  // namespace

int main() {
  expect::on_lunalloc();
  std::vector<void*> heap(kBlocks);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    heap[i] = malloc(i % 500 + 1);
    static_cast<char*>(heap[i])[0] = 1;
  }
  for (std::size_t i = 0; i < kBlocks; i += 7) {
    free(heap[i]);
    heap[i] = nullptr;
  }

  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    allocate_little();
    const long faults = page_faults();
    expect::print(STDOUT_FILENO, "%ld pages copied or added in the child\n", faults);
    EXPECT(faults < kAllowedFaults);
    _exit(0);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && status == 0);
  for (void* block : heap) free(block);
  return 0;
}
