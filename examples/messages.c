// SPDX-License-Identifier: MIT
// Messages go from one thread to another: their blocks come from a pool, so that a slow receiver
// costs no more memory than was planned, and are handed over by a queue, so that nobody waits.
//
// Usage: messages
#include <lunalloc/pool.h>
#include <lunalloc/queue.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 100000, AT_ONCE = 64, TEXT_BYTES = 48 };

static luna_pool* pool;
static luna_queue* queue;

static void check(int error, const char* what) {
  if (error == 0) return;
  fprintf(stderr, "%s: %s\n", what, strerror(error));
  exit(1);
}

// Returns how many there were.
static void* receive(void* unused) {
  size_t received = 0;
  while (received < MESSAGES) {
    size_t bytes = 0;
    char* text = luna_queue_try_pop(queue, &bytes);
    if (text == NULL) {
      sched_yield();  // or do something else
      continue;
    }
    if (strlen(text) + 1 != bytes) exit(1);
    ++received;
    check(luna_pool_free(pool, text), "free");
  }
  (void)unused;
  return (void*)received;
}

static void send_all(void) {
  for (int i = 0; i < MESSAGES; ++i) {
    char* text = luna_pool_allocate(pool);
    for (; text == NULL; text = luna_pool_allocate(pool))
      sched_yield();  // the receiver is behind: a server would refuse the request here
    const int length = snprintf(text, TEXT_BYTES, "message %d", i);
    // There is room for every block of the pool.
    check(luna_queue_try_push(queue, text, (size_t)length + 1), "push");
  }
}

int main(void) {
  luna_pool_options options = {0};
  options.struct_size = sizeof options;
  options.max_blocks = AT_ONCE;
  check(luna_pool_create("messages", TEXT_BYTES, &options, &pool), "pool");
  check(luna_queue_create(AT_ONCE, &queue), "queue");

  pthread_t receiver;
  check(pthread_create(&receiver, NULL, receive, NULL), "thread");
  send_all();
  void* received = NULL;
  check(pthread_join(receiver, &received), "thread");

  luna_pool_usage usage = {0};
  usage.struct_size = sizeof usage;
  check(luna_pool_stats(pool, &usage), "statistics");
  printf("%zu messages, %llu at once at most\n", (size_t)received,
         (unsigned long long)usage.peak_blocks);
  check(luna_queue_destroy(queue), "queue");
  check(luna_pool_destroy(pool), "pool");
  return 0;
}
