// SPDX-License-Identifier: MIT
// What a library allocates, which knows nothing of heaps: zlib and libxml2 are called in a heap.
// With `count` in place of `enter` they are asked themselves, by hooks that both happen to have.
//
// Usage: library_heap enter|count zlib|libxml2    prints what is in use behind the call, as JSON
#include "example.h"

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <lunalloc/heap.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { INPUT_BYTES = 4 << 20, RECORDS = 20000 };

// What the hooks saw: blocks in use, each with all its room.
static unsigned long counted_bytes, counted_blocks;

static void* noted(void* block) {
  if (block == NULL) return NULL;
  counted_bytes += malloc_usable_size(block);
  ++counted_blocks;
  return block;
}
static void forgotten(void* block) {
  if (block == NULL) return;
  counted_bytes -= malloc_usable_size(block);
  --counted_blocks;
}

static void* count_malloc(size_t bytes) { return noted(malloc(bytes)); }
static void* count_realloc(void* block, size_t bytes) {
  forgotten(block);
  return noted(realloc(block, bytes));
}
static char* count_strdup(const char* text) { return noted(strdup(text)); }
static void count_free(void* block) {
  forgotten(block);
  free(block);
}
static void* count_zalloc(void* unused, unsigned count, unsigned bytes) {
  (void)unused;
  return count_malloc((size_t)count * bytes);
}
static void count_zfree(void* unused, void* block) {
  (void)unused;
  count_free(block);
}

static unsigned char input[INPUT_BYTES];
static unsigned char output[INPUT_BYTES];

// Leaves what zlib has allocated in use.
static void compress_all(z_stream* stream) {
  check(deflateInit(stream, Z_BEST_COMPRESSION) == Z_OK, "deflateInit");
  stream->next_in = input;
  stream->avail_in = sizeof input;
  stream->next_out = output;
  stream->avail_out = sizeof output;
  check(deflate(stream, Z_FINISH) == Z_STREAM_END, "deflate");
}

static void print(const char* name, unsigned long bytes, unsigned long blocks) {
  printf("{\"library\": \"%s\", \"bytes\": %lu, \"blocks\": %lu}\n", name, bytes, blocks);
}

static void print_heap(luna_heap* heap) {
  const luna_heap_stats stats = stats_of(heap);
  print(luna_heap_name(heap), stats.live_bytes, stats.live_blocks);
}

static luna_heap* create(const char* name) {
  const luna_heap_options options = {.struct_size = sizeof options, .name = name};
  luna_heap* heap = luna_heap_create(&options);
  check(heap != NULL, "a heap is created");
  return heap;
}

static void zlib(int enters) {
  for (size_t i = 0; i < sizeof input; ++i) input[i] = (unsigned char)(i * i >> 7 & 63);
  z_stream stream = {0};
  if (enters) {
    luna_heap* heap = create("zlib");
    luna_heap* before = luna_heap_enter(heap);
    compress_all(&stream);
    luna_heap_leave(before);
    print_heap(heap);
  } else {
    stream.zalloc = &count_zalloc;
    stream.zfree = &count_zfree;
    compress_all(&stream);
    print("zlib", counted_bytes, counted_blocks);
  }
  check(deflateEnd(&stream) == Z_OK, "deflateEnd");
}

static char* document(void) {
  char* text = malloc(RECORDS * 100 + 100);
  check(text != NULL, "there is memory for a document");
  char* at = text + sprintf(text, "<records>");
  for (int i = 0; i < RECORDS; ++i)
    at += sprintf(at, "<record id='%d'><name>name %d</name><text>a text</text></record>\n", i, i);
  strcpy(at, "</records>");
  return text;
}

static void libxml2(int enters) {
  char* text = document();
  xmlDocPtr tree;
  if (enters) {
    luna_heap* heap = create("libxml2");
    luna_heap* before = luna_heap_enter(heap);
    tree = xmlReadMemory(text, (int)strlen(text), "records.xml", NULL, 0);
    luna_heap_leave(before);
    print_heap(heap);
  } else {
    check(xmlMemSetup(&count_free, &count_malloc, &count_realloc, &count_strdup) == 0, "hooks");
    tree = xmlReadMemory(text, (int)strlen(text), "records.xml", NULL, 0);
    print("libxml2", counted_bytes, counted_blocks);
  }
  check(tree != NULL, "the document is parsed");
  xmlFreeDoc(tree);
  xmlCleanupParser();
  free(text);
}

int main(int count, char** arguments) {
  check(count == 3, "usage: library_heap enter|count zlib|libxml2");
  const int enters = strcmp(arguments[1], "enter") == 0;
  (strcmp(arguments[2], "zlib") == 0 ? zlib : libxml2)(enters);
  return 0;
}
