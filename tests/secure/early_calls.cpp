// SPDX-License-Identifier: MIT
// A library that the program needs: its constructor comes before those of what is preloaded, and
// calls functions that the library has in front of the C library's, before anybody has allocated.
#include "early_calls.hpp"

#include <dlfcn.h>
#include <pthread.h>

namespace {

bool went_well = false;

void* do_nothing(void*) { return nullptr; }

[[gnu::constructor]] void call_early() { went_well = call_them(); }

}  // namespace

bool call_them() {
  void* const library = dlopen("libm.so.6", RTLD_LAZY);
  pthread_t thread;
  return library != nullptr && dlclose(library) == 0 &&
         pthread_create(&thread, nullptr, do_nothing, nullptr) == 0 &&
         pthread_join(thread, nullptr) == 0;
}

bool early_calls_went_well() { return went_well; }
