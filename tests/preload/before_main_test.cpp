// SPDX-License-Identifier: MIT
// Blocks from before any constructor has run, the library's own included, live until after main:
// the earliest code of a program, its constructors, static objects and exit handlers allocate.
#include "blocks.hpp"
#include "expect.hpp"
#include "handover.hpp"

#include <malloc.h>
#include <pthread.h>

#include <cstdlib>
#include <map>
#include <string>

namespace {

constexpr std::size_t kSizes[] = {10, 100, 3000, 50000, 400000, 5000000};
constexpr std::size_t kStages = 3;

void* early[kStages][std::size(kSizes)];

void allocate_all(std::size_t stage) {
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    early[stage][i] = handover::make(kSizes[i], stage);
    handover::check_and_free(handover::make(kSizes[i], 9));
  }
}

void free_all(std::size_t stage) {
  for (void* block : early[stage]) handover::check_and_free(block);
}

void* in_a_thread(void*) {
  handover::check_and_free(handover::make(100, 1));
  return nullptr;
}

// Runs before the constructors of every library.
void before_all_constructors() {
  allocate_all(0);
  void* aligned = nullptr;
  EXPECT(posix_memalign(&aligned, 4096, 100) == 0);
  free(realloc(aligned, 10000));
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const preinit)() = before_all_constructors;

[[gnu::constructor(101)]] void first_constructor() {
  allocate_all(1);
  pthread_t thread;
  EXPECT(pthread_create(&thread, nullptr, in_a_thread, nullptr) == 0);
  EXPECT(pthread_join(thread, nullptr) == 0);
}

[[gnu::destructor(101)]] void last_destructor() {
  free_all(0);
  handover::check_and_free(handover::make(70000, 1));
  malloc_trim(0);
  handover::check_and_free(handover::make(70, 1));
}

struct StaticObject {
  std::map<int, std::string> names;

  StaticObject() {
    for (int i = 0; i < 1000; ++i) names[i] = std::string(static_cast<std::size_t>(i), 'x');
    allocate_all(2);
  }
  ~StaticObject() {
    free_all(2);
    names[1000] = std::string(100000, 'y');
    EXPECT(names.size() == 1001);
  }
};

StaticObject static_object;

void* of_main;

void first_handler() {
  free_all(1);
  handover::check_and_free(of_main);
}

void registers_another() {
  handover::check_and_free(handover::make(1000, 1));
  EXPECT(atexit(first_handler) == 0);
}

}  // namespace

int main() {
  expect::on_lunalloc();
  of_main = handover::make(200, 1);
  // More than fit into what libc keeps ready, so that it allocates too.
  for (int i = 0; i < 100; ++i) EXPECT(atexit([] { free(malloc(30)); }) == 0);
  EXPECT(atexit(registers_another) == 0);
  return 0;
}
