// SPDX-License-Identifier: MIT
// A program linked with the twins: luna_malloc beside the C library's malloc, and each of the
// two may be handed the blocks of the C library to free by luna_free.
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

enum { kBlocks = 2000 };

static uint64_t live_bytes(void) {
  luna_stats stats = {.struct_size = sizeof stats};
  EXPECT(luna_stats_read(&stats) == 0);
  return stats.live_bytes;
}

static void expect_two_mallocs(void) {
  EXPECT(live_bytes() == 0);
  void* const theirs = malloc(100);
  EXPECT(malloc_usable_size(theirs) == 104);
  void* const large = malloc(3 << 20);
  EXPECT(live_bytes() == 0);
  void* const ours = luna_malloc(100);
  EXPECT(luna_malloc_usable_size(ours) % 16 == 0);
  EXPECT(live_bytes() >= 112);
  free(theirs);
  free(large);
  luna_free(ours);
}

// Turn by turn, so that neither can corrupt the other unseen.
static void* mix(void* unused) {
  static _Thread_local unsigned char* blocks[kBlocks];
  for (size_t i = 0; i < kBlocks; ++i) {
    const size_t bytes = i * 13 % 3000 + 1;
    blocks[i] = i % 2 == 0 ? malloc(bytes) : luna_malloc(bytes);
    EXPECT(blocks[i] != NULL);
    memset(blocks[i], (int)(i % 251), bytes);
  }
  for (size_t i = 0; i < kBlocks; ++i) {
    const size_t bytes = i * 13 % 3000 + 1;
    blocks[i] = i % 2 == 0 ? realloc(blocks[i], bytes * 2) : luna_realloc(blocks[i], bytes * 2);
    for (size_t k = 0; k < bytes; ++k) EXPECT(blocks[i][k] == i % 251);
  }
  for (size_t i = 0; i < kBlocks; ++i) {
    if (i % 2 == 0) {
      free(blocks[i]);
    } else {
      luna_free(blocks[i]);
    }
  }
  return unused;
}

static void expect_threads_and_forks(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; ++i) EXPECT(pthread_create(&threads[i], NULL, mix, NULL) == 0);
  mix(NULL);
  const pid_t child = fork();
  EXPECT(child >= 0);
  if (child == 0) {
    mix(NULL);
    _exit(7);
  }
  int status = 0;
  EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
  for (int i = 0; i < 3; ++i) EXPECT(pthread_join(threads[i], NULL) == 0);
}

static void expect_foreign_blocks_go_home(void) {
  luna_free(malloc(100));
  luna_free(strdup("a text that the C library copies"));
  char* const grown = luna_realloc(strdup("kept"), 10000);
  EXPECT(strcmp(grown, "kept") == 0);
  luna_free(grown);
}

int main(int count, char** arguments) {
  expect_two_mallocs();
  expect_threads_and_forks();
  if (count < 2 || strcmp(arguments[1], "static") != 0) expect_foreign_blocks_go_home();
  printf("luna_malloc is lunalloc %s\n", luna_version());
  return 0;
}
