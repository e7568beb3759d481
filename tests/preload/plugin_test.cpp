// SPDX-License-Identifier: MIT
// Libraries loaded and unloaded while the program runs: C++ objects and exceptions cross the
// border, messages of dlerror are freed with their thread, and a second libc minds its own heap.
#include "expect.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

constexpr int kLoads = 50;

template <typename Function>
Function* find(void* library, const char* name) {
  void* const address = dlsym(library, name);
  EXPECT(address != nullptr);
  return reinterpret_cast<Function*>(address);
}

bool throws_text(void (*thrower)(const char*)) {
  try {
    thrower("a message that is long enough to be allocated");
  } catch (const std::runtime_error& error) {
    return strlen(error.what()) == 46;
  }
  return false;
}

void use_once(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  EXPECT(library != nullptr);
  auto* const touch = find<std::size_t()>(library, "plugin_touch");
  auto* const make = find<std::string*(std::size_t)>(library, "plugin_make_string");
  auto* const destroy = find<void(std::string*)>(library, "plugin_destroy_string");

  EXPECT(touch() > 600);
  std::thread([touch] { EXPECT(touch() > 600); }).join();
  std::string* const theirs = make(10000);
  EXPECT(theirs->size() == 10000);
  delete theirs;
  destroy(new std::string(20000, 'p'));
  EXPECT(throws_text(find<void(const char*)>(library, "plugin_throw")));
  EXPECT(dlclose(library) == 0);
}

// The message belongs to the thread, and libc frees it when the thread is gone.
void failing_loads() {
  for (int i = 0; i < 20; ++i) {
    std::thread([] {
      EXPECT(dlopen("/nowhere/a_library_that_does_not_exist.so", RTLD_NOW) == nullptr);
      EXPECT(dlerror() != nullptr);
      EXPECT(dlsym(RTLD_DEFAULT, "a_function_that_does_not_exist") == nullptr);
    }).join();
  }
}

// A namespace of its own gets a libc of its own, which the preload does not reach.
void second_libc() {
  void* const library = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return;
  auto* const duplicate = find<char*(const char*)>(library, "strdup");
  auto* const release = find<void(void*)>(library, "free");
  for (int i = 0; i < 100; ++i) {
    char* const text = duplicate("of the second libc");
    EXPECT(strcmp(text, "of the second libc") == 0);
    free(malloc(100));
    release(text);
  }
  dlclose(library);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  EXPECT(count == 2);
  for (int i = 0; i < kLoads; ++i) use_once(arguments[1]);
  failing_loads();
  second_libc();
  return 0;
}
