// SPDX-License-Identifier: MIT
// What the examples of heaps share, and what is not their subject.
#pragma once

#include <fcntl.h>
#include <lunalloc/heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// Ends the program unless it is right that `what`.
static inline void check(int right, const char* what) {
  if (right) return;
  fprintf(stderr, "failed: %s\n", what);
  exit(1);
}

// Of the whole process, as the kernel counts.
static inline size_t resident_bytes(void) {
  char text[4096] = "";
  const int file = open("/proc/self/smaps_rollup", O_RDONLY);
  check(file >= 0 && read(file, text, sizeof text - 1) > 0, "the kernel tells what is resident");
  close(file);
  const char* line = text;
  unsigned long kilobytes = 0;
  while (*line != '\0' && sscanf(line, "Rss: %lu", &kilobytes) != 1) ++line;
  return kilobytes * 1024;
}

static inline luna_heap_stats stats_of(luna_heap* heap) {
  luna_heap_stats stats = {.struct_size = sizeof stats};
  check(luna_heap_stats_read(heap, &stats) == 0, "the heap tells what it uses");
  return stats;
}
