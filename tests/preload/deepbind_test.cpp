// SPDX-License-Identifier: MIT
// A library loaded with RTLD_DEEPBIND exchanges blocks with the program in both directions: each
// frees, resizes and measures what the other allocated.
#include "blocks.hpp"
#include "expect.hpp"

#include <dlfcn.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr std::size_t kSizes[] = {1, 24, 100, 1000, 5000, 40000, 140000, 300000, 3000000, 40000000};

struct Plugin {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void (*free)(void*);
  char* (*strdup)(const char*);
  void* (*aligned)(std::size_t, std::size_t);
  int (*format)(int);
  void (*free_result_of)(void* (*)(std::size_t), std::size_t);
};

template <typename Function>
void find(void* library, const char* name, Function** function) {
  *function = reinterpret_cast<Function*>(dlsym(library, name));
  EXPECT(*function != nullptr);
}

Plugin load(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (library == nullptr) expect::print(STDERR_FILENO, "%s\n", dlerror());
  EXPECT(library != nullptr);
  Plugin plugin;
  find(library, "plugin_malloc", &plugin.malloc);
  find(library, "plugin_calloc", &plugin.calloc);
  find(library, "plugin_realloc", &plugin.realloc);
  find(library, "plugin_free", &plugin.free);
  find(library, "plugin_strdup", &plugin.strdup);
  find(library, "plugin_aligned", &plugin.aligned);
  find(library, "plugin_format", &plugin.format);
  find(library, "plugin_free_result_of", &plugin.free_result_of);
  return plugin;
}

void from_plugin_to_program(const Plugin& plugin, std::size_t size) {
  void* block = plugin.malloc(size);
  EXPECT_FOR(size, block != nullptr && malloc_usable_size(block) >= size);
  blocks::fill(block, size, 1);
  block = realloc(block, size * 2);
  EXPECT_FOR(size, block != nullptr && blocks::holds(block, size, 1));
  free(block);

  free(plugin.calloc(1, size));
  void* const aligned = plugin.aligned(4096, size);
  EXPECT_FOR(size, blocks::aligned(aligned, 4096) && malloc_usable_size(aligned) >= size);
  free(aligned);
  EXPECT(realloc(plugin.malloc(size), expect::opaque<std::size_t>(0)) == nullptr);
}

void from_program_to_plugin(const Plugin& plugin, std::size_t size) {
  void* block = malloc(size);
  EXPECT_FOR(size, block != nullptr);
  blocks::fill(block, size, 2);
  block = plugin.realloc(block, size * 2);
  EXPECT_FOR(size, block != nullptr && blocks::holds(block, size, 2));
  plugin.free(block);

  plugin.free(calloc(1, size));
  plugin.free(memalign(4096, size));
  plugin.free_result_of(malloc, size);
}

void strings(const Plugin& plugin) {
  char* const of_plugin = plugin.strdup("of the plugin");
  EXPECT(strcmp(of_plugin, "of the plugin") == 0);
  free(of_plugin);
  plugin.free(strdup("of the program"));
  EXPECT(plugin.format(12345) == 14);
}

void exchange(const Plugin& plugin) {
  for (const std::size_t size : kSizes) {
    from_plugin_to_program(plugin, size);
    from_program_to_plugin(plugin, size);
  }
  for (int i = 0; i < 1000; ++i) strings(plugin);
}

}  // namespace

int main(int count, char** arguments) {
  expect::on_lunalloc();
  EXPECT(count == 2);
  const Plugin plugin = load(arguments[1]);

  exchange(plugin);
  std::thread([&plugin] { exchange(plugin); }).join();
  return 0;
}
