// SPDX-License-Identifier: MIT
// What jemalloc_test.py looks at from outside: texts that are printed, options, profiles.
#include "jemalloc_api.hpp"

#include "lunalloc/control.h"

#include <array>
#include <cstring>
#include <string>

// The program's own options; the environment's are read after them.
extern "C" {
[[gnu::visibility("default")]] extern const char* malloc_conf;
extern void (*malloc_message)(void* context, const char* text);
const char* malloc_conf = "dirty_decay_ms:4000,lg_prof_sample:16,narenas:3";
}

namespace {

using jemalloc::get;
using jemalloc::set;

// Allocates as it is called, as programs do that gather the text.
void append(void* context, const char* text) { *static_cast<std::string*>(context) += text; }

void append_message(void*, const char* text) { expect::print(1, "%s", text); }

void print(const char* letters) {
  void* block = expect::opaque(malloc(100));  // so that there is a size class to tell of
  std::string text;
  malloc_stats_print(append, &text, letters);
  free(block);
  EXPECT(text.size() > 200);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void messages() {
  malloc_stats_print(nullptr, nullptr, nullptr);
  malloc_message = append_message;
  malloc_stats_print(nullptr, nullptr, "ab");
}

void options() {
  for (const char* name : {"decay.ms", "profile.interval", "profile.active", "profile.file",
                           "profile.format", "profile.at_exit", "stats.print"}) {
    std::array<char, 256> value;
    EXPECT(luna_control_get_text(name, value.data(), value.size()) == 0);
    std::printf("%s=%s\n", name, value.data());
  }
  std::printf("dirty_decay_ms=%lld\n",
              static_cast<long long>(get<std::int64_t>("arenas.dirty_decay_ms")));
}

[[gnu::noinline]] void* place_that_allocates() { return expect::opaque(malloc(3'000'000)); }

void profile(const char* path) {
  EXPECT(set<const char*>("prof.dump", path) == EFAULT);
  EXPECT(set("prof.active", true) == 0 && get<bool>("prof.active"));
  void* block = place_that_allocates();
  for (int i = 0; i < 100; ++i) free(place_that_allocates());
  EXPECT(set<const char*>("prof.dump", path) == 0);
  EXPECT(set<const char*>("prof.dump", "/no/such/folder/profile") == EFAULT);
  EXPECT(mallctl("prof.dump", nullptr, nullptr, nullptr, 0) == 0);
  const char* read = nullptr;
  std::size_t bytes = sizeof read;
  EXPECT(mallctl("prof.dump", &read, &bytes, nullptr, 0) == EPERM);
  EXPECT(set("prof.active", false) == 0 && !get<bool>("prof.active"));
  free(block);
}

// The allocator is the C library's: nothing is counted and no samples can be had.
void disabled() {
  EXPECT(!get<bool>("opt.prof") && set("prof.active", true) == ENOENT);
  EXPECT(set("prof.active", false) == 0 && set<const char*>("prof.dump", "x") == ENOENT);
  EXPECT(mallctl("arena.0.purge", nullptr, nullptr, nullptr, 0) == 0);
  EXPECT(mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0) == 0);
  jemalloc::refresh();
  EXPECT(get<std::size_t>("stats.active") >= get<std::size_t>("stats.allocated"));
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  const std::string part = count > 1 ? arguments[1] : "";
  if (part == "text") print(nullptr);
  if (part == "json") print("J");
  if (part == "short") print("Jab");
  if (part == "messages") messages();
  if (part == "options") options();
  if (part == "profile") profile(arguments[2]);
  if (part == "disabled") disabled();
  return 0;
}
