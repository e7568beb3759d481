// SPDX-License-Identifier: MIT
// A program that was written for jemalloc and is compiled with its header. It prints the version
// of the library that answers, and whether that is lunalloc's.
#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#include <string.h>

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

#define TEXT_OF(number) #number
#define NAME_OF_ALL(number) "arena." TEXT_OF(number) ".purge"

const char* malloc_conf = "dirty_decay_ms:3000,muzzy_decay_ms:0";

static size_t written;

static void count_text(void* context, const char* text) {
  EXPECT(context == &written);
  written += strlen(text);
}

static size_t figure(const char* name) {
  size_t value = 0;
  size_t bytes = sizeof value;
  EXPECT(mallctl(name, &value, &bytes, NULL, 0) == 0 && bytes == sizeof value);
  return value;
}

static void expect_blocks(void) {
  char* block = mallocx(100, MALLOCX_ALIGN(1 << 20) | MALLOCX_ZERO | MALLOCX_TCACHE_NONE);
  EXPECT(block != NULL && (uintptr_t)block % (1 << 20) == 0 && block[0] == 0 && block[99] == 0);
  const size_t bytes = sallocx(block, 0);
  EXPECT(bytes >= nallocx(100, MALLOCX_LG_ALIGN(20)) && bytes == malloc_usable_size(block));
  EXPECT(xallocx(block, 100, 0, MALLOCX_ALIGN(1 << 20)) == sallocx(block, 0));
  block = rallocx(block, 100000, MALLOCX_ZERO | MALLOCX_ARENA(0));
  EXPECT(block != NULL && block[99999] == 0);
  sdallocx(block, 100000, MALLOCX_ARENA(0));
  dallocx(malloc(10), 0);
  free(mallocx(10, 0));
}

static void expect_controls(void) {
  EXPECT(mallctl(NAME_OF_ALL(4096), NULL, NULL, NULL, 0) == 0);
  uint64_t epoch = 1;
  size_t bytes = sizeof epoch;
  EXPECT(mallctl("epoch", &epoch, &bytes, &epoch, sizeof epoch) == 0);
  EXPECT(figure("stats.allocated") <= figure("stats.active"));
  EXPECT(figure("stats.active") <= figure("stats.resident"));
  EXPECT(figure("stats.active") <= figure("stats.mapped"));
  EXPECT(figure("arenas.page") == 4096);
  size_t mib[3];
  size_t parts = 3;
  EXPECT(mallctlnametomib("arena.0.dirty_decay_ms", mib, &parts) == 0 && parts == 3);
  ssize_t decay = 0;
  bytes = sizeof decay;
  EXPECT(mallctlbymib(mib, parts, &decay, &bytes, NULL, 0) == 0 && decay == 3000);
  EXPECT(mallctl("no.such.name", NULL, NULL, NULL, 0) == ENOENT);
  EXPECT(mallctl("version", NULL, NULL, &decay, sizeof decay) == EPERM);
  bytes = 1;
  EXPECT(mallctl("stats.allocated", &decay, &bytes, NULL, 0) == EINVAL && bytes == 1);
  decay = -2;
  EXPECT(mallctl("arenas.dirty_decay_ms", NULL, NULL, &decay, sizeof decay) == EFAULT);
}

int main(void) {
  expect_blocks();
  expect_controls();
  malloc_stats_print(count_text, &written, NULL);
  EXPECT(written > 200);
  const char* version = NULL;
  size_t bytes = sizeof version;
  EXPECT(mallctl("version", &version, &bytes, NULL, 0) == 0);
  puts(version);
  return 0;
}
