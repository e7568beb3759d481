// SPDX-License-Identifier: MIT
// A program linked with the library: malloc and all that stands on it come from lunalloc.
#define _GNU_SOURCE
#include <lunalloc/lunalloc.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                               \
    }                                                                         \
  } while (0)

static uint64_t live_bytes(void) {
  luna_stats stats = {.struct_size = sizeof stats};
  EXPECT(luna_stats_read(&stats) == 0);
  return stats.live_bytes;
}

// Seen by the statistics, and rounded up as only lunalloc does.
static void expect_ours(void) {
  const uint64_t before = live_bytes();
  char* const large = malloc(3 << 20);
  EXPECT(large != NULL && live_bytes() >= before + (3 << 20));
  free(large);
  EXPECT(live_bytes() < before + (1 << 20));
  void* const small = malloc(100);
  EXPECT(malloc_usable_size(small) % 16 == 0);
  EXPECT(luna_malloc_usable_size(small) % 16 == 0);
  luna_free(small);
  void* const aligned = aligned_alloc(256, 512);
  EXPECT((uintptr_t)aligned % 256 == 0);
  free(aligned);
}

// The C library's own calls reach lunalloc as well.
static void expect_of_libc(void) {
  char* const copy = strdup("a text that the C library copies");
  EXPECT(malloc_usable_size(copy) == 48);
  free(copy);
  char* line = NULL;
  EXPECT(asprintf(&line, "%d", 42) == 2 && strcmp(line, "42") == 0);
  luna_free(line);
}

static void* work(void* argument) {
  for (int i = 0; i < 1000; ++i) free(malloc((size_t)i * 37));
  return realloc(argument, 5000);
}

static void expect_threads_and_forks(void) {
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, work, malloc(10)) == 0);
  void* of_thread = NULL;
  EXPECT(pthread_join(thread, &of_thread) == 0 && of_thread != NULL);
  free(of_thread);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    work(malloc(10));
    _exit(7);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
}

int main(void) {
  expect_ours();
  expect_of_libc();
  expect_threads_and_forks();
  printf("malloc is lunalloc %s\n", luna_version());
  return 0;
}
