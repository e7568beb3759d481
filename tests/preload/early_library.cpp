// SPDX-License-Identifier: MIT
// Preloaded beside the allocator: allocates in its constructors, before main and perhaps before
// the allocator's own, starts a thread there, counts calls of malloc on their way through, and
// frees in destructors what it and the program allocated.
#include "blocks.hpp"
#include "expect.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kSizes[] = {1, 40, 500, 9000, 70000, 3000000};

std::vector<void*>* early_blocks = nullptr;
std::atomic<unsigned> callocs{0};
// Has a destructor of its own, which runs after those of the program.
const std::string long_text(1000, 't');

void fill_all() {
  for (const std::size_t size : kSizes) {
    void* const block = malloc(size);
    EXPECT_FOR(size, block != nullptr);
    blocks::fill(block, size, size);
    early_blocks->push_back(block);
  }
}

void check_all() {
  for (std::size_t i = 0; i < early_blocks->size(); ++i) {
    const std::size_t size = kSizes[i % std::size(kSizes)];
    EXPECT_FOR(size, blocks::holds((*early_blocks)[i], size, size));
  }
}

// As early as a library can be, and again among the ordinary ones.
[[gnu::constructor(102)]] void very_early() {
  early_blocks = new std::vector<void*>;
  fill_all();
}

[[gnu::constructor]] void early() {
  fill_all();
  std::thread(fill_all).join();
  check_all();
}

[[gnu::destructor]] void late() {
  check_all();
  for (void* block : *early_blocks) free(block);
  delete early_blocks;
  EXPECT(long_text.size() == 1000);
}

}  // namespace

extern "C" {

// Hands on, as tools that count or record do.
void* calloc(std::size_t count, std::size_t size) noexcept {
  using Calloc = void* (*)(std::size_t, std::size_t);
  static const auto next = reinterpret_cast<Calloc>(dlsym(RTLD_NEXT, "calloc"));
  ++callocs;
  return next(count, size);
}

// Given to the program, which finds them by name.
unsigned early_callocs() { return callocs; }
void* early_block(std::size_t index) { return (*early_blocks)[index]; }
void early_replace(std::size_t index, void* block) { (*early_blocks)[index] = block; }
}
