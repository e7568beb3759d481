// SPDX-License-Identifier: MIT
// A program that the library is linked into, with the functions wrapped that make threads: these
// begin in the heap of their creator.
#include <errno.h>
#include <lunalloc/heap.h>
#include <lunalloc/lunalloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      _exit(1);                                                               \
    }                                                                         \
  } while (0)

static void* heap_of_block(void* unused) {
  (void)unused;
  void* const block = malloc(100);
  luna_heap* const heap = luna_heap_of(block);
  free(block);
  return heap;
}

static int is_in_heap(void* heap) { return heap_of_block(NULL) == heap; }

int main(void) {
  const luna_heap_options options = {
      .struct_size = sizeof options, .name = "inherited", .flags = LUNA_HEAP_INHERITED};
  luna_heap* const heap = luna_heap_create(&options);
  EXPECT(heap != NULL);
  luna_heap* const before = luna_heap_enter(heap);
  pthread_t thread;
  EXPECT(pthread_create(&thread, NULL, heap_of_block, NULL) == 0);
  thrd_t other;
  EXPECT(thrd_create(&other, is_in_heap, heap) == thrd_success);
  luna_heap_leave(before);
  void* found = NULL;
  int is_there = 0;
  EXPECT(pthread_join(thread, &found) == 0 && found == heap);
  EXPECT(thrd_join(other, &is_there) == thrd_success && is_there == 1);
  EXPECT(pthread_create(&thread, NULL, heap_of_block, NULL) == 0);
  EXPECT(pthread_join(thread, &found) == 0 && found == NULL);
  EXPECT(luna_heap_destroy(heap) == 0);
  printf("threads inherit from lunalloc %s\n", luna_version());
  return 0;
}
