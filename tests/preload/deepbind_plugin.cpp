// SPDX-License-Identifier: MIT
// A library to be loaded with RTLD_DEEPBIND: left alone, its calls go to libc's malloc although
// the program's go elsewhere. Plain C inside, as such libraries are.
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {

void* plugin_malloc(std::size_t size) { return malloc(size); }
void* plugin_calloc(std::size_t count, std::size_t size) { return calloc(count, size); }
void* plugin_realloc(void* block, std::size_t size) { return realloc(block, size); }
void plugin_free(void* block) { free(block); }
char* plugin_strdup(const char* text) { return strdup(text); }

void* plugin_aligned(std::size_t alignment, std::size_t size) {
  void* block = nullptr;
  return posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
}

// Allocates inside libc and frees here.
int plugin_format(int number) {
  char* text = nullptr;
  const int length = asprintf(&text, "%d and more", number);
  free(text);
  return length;
}

// The callback allocates in the program, and the block is freed here.
void plugin_free_result_of(void* (*callback)(std::size_t), std::size_t size) {
  free(callback(size));
}
}
